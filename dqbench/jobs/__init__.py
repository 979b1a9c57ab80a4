"""Jobs: pure functions ``(spec, input folders, output folder, context) -> facts`` with content keys."""
