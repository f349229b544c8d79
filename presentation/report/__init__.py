"""One document about a run that an economist can mail: HTML, PDF, XLSX."""
