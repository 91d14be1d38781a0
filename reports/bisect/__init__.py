"""Which package, of several that differ between two constraints files, carries a regression."""
