"""The portal: its rules, and its pages in a browser."""
