"""The report as a folder of files that opens in a browser from disk, without a server and without the network."""
