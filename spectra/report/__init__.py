"""Results -> one self-contained HTML page with its figures."""

from spectra.report.page import write_process_report, write_report

__all__ = ["write_process_report", "write_report"]
