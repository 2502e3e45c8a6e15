"""The dialect of version 4: releases 4.0.62, 4.0.63 and 4.0.68."""
