"""The measurements that the README quotes: `python -m bench` runs all of them, one after the other, and prints one table."""
