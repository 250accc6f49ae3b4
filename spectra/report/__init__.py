"""Results -> one self-contained HTML page with its figures."""

from spectra.report.board import write_board
from spectra.report.page import write_process_report, write_report

__all__ = ["write_board", "write_process_report", "write_report"]
