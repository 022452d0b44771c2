"""What is in archives: tarballs, unpacked in memory, and names in old code pages."""
