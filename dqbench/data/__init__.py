"""From files on disk to a source: arrays with labels, ids and a content hash."""
