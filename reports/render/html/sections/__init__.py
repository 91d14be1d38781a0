"""The sections of the page, a module each: from the report's data to what its template lays out."""
