"""Object stores: what ``scheme://bucket/key`` means wherever a path is read or written."""
