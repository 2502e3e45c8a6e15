"""The monthly report as files: a page with charts, a table, and a PDF where there is a browser."""
