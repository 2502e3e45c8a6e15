"""The dialect of BILLmanager 6.94.1 (COREmanager): functions, lists, forms, documents. Version 4 is another package."""
