"""The monthly report of one billing, as figures: what was asked, how soon it was answered, what was not carried."""
