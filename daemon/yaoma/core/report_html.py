"""Report HTML: writes a page as one file without scripts or anything fetched, which prints well on A4."""

from collections.abc import Sequence
from html import escape
from typing import Final

from yaoma.core.report_page import Cell, Column, ColumnKind, Page, Table, Tile, code_for_people

__all__ = ["as_html"]

_STYLE: Final = """
@page { size: A4; margin: 14mm 13mm 16mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 190mm; padding: 8mm 4mm; color: #1a1f24; background: #fff;
  font: 10.5pt/1.5 "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif;
  font-variant-numeric: tabular-nums; }
h1 { font-size: 17pt; margin: 0 0 3mm; padding-bottom: 2mm; border-bottom: 0.6mm solid #1d5b4f; }
h2 { font-size: 11.5pt; margin: 6mm 0 1.5mm; break-after: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: 0.6mm 4mm; margin: 0 0 4mm; }
dt { color: #5a666e; } dd { margin: 0; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: 3mm; margin: 4mm 0; }
.tile { flex: 1 1 40mm; border: 0.3mm solid #c9d2d6; border-left-width: 1.4mm; border-radius: 1.2mm;
  padding: 2mm 3mm; break-inside: avoid; }
.tile.met { border-left-color: #1d7a5f; } .tile.missed { border-left-color: #b3261e; }
.tile b { display: block; font-size: 15pt; line-height: 1.25; }
.tile span { display: block; color: #5a666e; font-size: 9pt; }
table { width: 100%; border-collapse: collapse; font-size: 9.5pt; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th { text-align: left; background: #eef3f2; font-weight: 600; }
th, td { border: 0.2mm solid #c9d2d6; padding: 0.8mm 1.8mm; vertical-align: top; overflow-wrap: anywhere; }
tbody tr:nth-child(even) td { background: #fafbfb; }
.number { text-align: right; white-space: nowrap; }
.code { font-family: "Noto Sans Mono CJK SC", "DejaVu Sans Mono", Consolas, monospace; white-space: nowrap; }
.nothing { color: #5a666e; } .note { color: #5a666e; font-size: 9pt; margin: 1mm 0 0; }
.notes { border-top: 0.3mm solid #c9d2d6; margin-top: 6mm; padding-top: 2mm; }
.proof { display: flex; gap: 5mm; align-items: flex-start; margin-top: 6mm; break-inside: avoid; }
.proof svg { width: 42mm; height: 42mm; flex: none; }
.proof pre { margin: 0; font-size: 8pt; line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; }
.proof h2 { margin-top: 0; }
@media print { body { max-width: none; padding: 0; } }
"""

_CLASS: Final = {ColumnKind.NUMBER: ' class="number"', ColumnKind.CODE: ' class="code"', ColumnKind.TEXT: ""}
_MET: Final = {True: " met", False: " missed", None: ""}
_QUIET: Final = 4


def as_html(page: Page, matrix: Sequence[Sequence[bool]] = ()) -> str:
    """Write a page; every text is escaped.

    Args:
        page: The page.
        matrix: The QR code of its proof, row by row without quiet zone, True is dark; empty for none.
    """
    parts = [
        f'<!DOCTYPE html>\n<html lang="{escape(page.label("language"))}">\n<head>\n<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(page.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{escape(page.title)}</h1>",
    ]
    if page.facts:
        facts = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in page.facts)
        parts.append(f"<dl>{facts}</dl>")
    if page.tiles:
        parts.append(f'<div class="tiles">{"".join(map(_tile, page.tiles))}</div>')
    parts += [_table(table, page.label("nothing")) for table in page.tables]
    if page.notes:
        notes = "".join(f'<p class="note">{escape(note)}</p>' for note in page.notes)
        parts.append(f'<div class="notes">{notes}</div>')
    if page.proof:
        parts.append(
            f'<div class="proof">{_matrix(matrix)}<div><h2>{escape(page.label("proof"))}</h2>'
            f"<pre>{escape(page.proof)}</pre></div></div>"
        )
    return "\n".join([*parts, "</body>\n</html>\n"])


def _tile(tile: Tile) -> str:
    return (
        f'<div class="tile{_MET[tile.is_met]}"><span>{escape(tile.label)}</span><b>{escape(tile.value)}</b>'
        f"<span>{escape(tile.note)}</span></div>"
    )


def _table(table: Table, nothing: str) -> str:
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    if not table.rows:
        return f'<h2>{escape(table.caption)}</h2><p class="nothing">{escape(nothing)}</p>{notes}'
    head = "".join(f"<th{_CLASS[column.kind]}>{escape(column.title)}</th>" for column in table.columns)
    body = "\n".join(
        f"<tr>{''.join(_cell(cell, column) for cell, column in zip(row, table.columns, strict=True))}</tr>"
        for row in table.rows
    )
    return (
        f"<h2>{escape(table.caption)}</h2>\n<table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table>{notes}"
    )


def _cell(cell: Cell, column: Column) -> str:
    text = "–" if cell is None else str(cell)
    shown = code_for_people(text) if column.kind is ColumnKind.CODE else text
    return f"<td{_CLASS[column.kind]}>{escape(shown)}</td>"


def _matrix(matrix: Sequence[Sequence[bool]]) -> str:
    """Draw the modules as one path, with the quiet zone that ISO/IEC 18004 asks for."""
    if not matrix:
        return ""
    size = len(matrix) + 2 * _QUIET
    path = "".join(
        f"M{column + _QUIET} {row + _QUIET}h1v1h-1z"
        for row, line in enumerate(matrix)
        for column, is_dark in enumerate(line)
        if is_dark
    )
    return (
        f'<svg viewBox="0 0 {size} {size}" shape-rendering="crispEdges" role="img">'
        f'<rect width="{size}" height="{size}" fill="#fff"/><path d="{path}"/></svg>'
    )
