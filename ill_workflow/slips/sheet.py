"""A Letter sheet on which things are placed in millimetres from its top left corner."""

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.pagesizes import letter
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from ill_workflow.slips import reference_barcode, text

WIDTH, HEIGHT = letter[0] / mm, letter[1] / mm
MARGIN = 12.0  #: mm, more than any office printer leaves white
LEFT, RIGHT, CENTRE, BOTTOM = MARGIN, WIDTH - MARGIN, WIDTH / 2, HEIGHT - MARGIN
BLACK, GREY, WHITE = 0.0, 0.32, 1.0

CAPITAL = 0.714  #: height of a capital letter, in font sizes
HEAVY = 0.03  #: stroke around bold letters, in font sizes: the package brings one weight


class Sheet:
    """Lengths are millimetres, font sizes are points; `y` of text is its baseline, `top` the top of its capitals."""

    def __init__(self, title: str) -> None:
        self._file = BytesIO()
        # Invariant: neither clock nor chance goes into the file.
        self._canvas = Canvas(self._file, pagesize=letter, invariant=1, initialFontName=text.load_font().fontName)
        self._canvas.setTitle(title)
        # "Fit to page" would shrink the barcode and move the fold.
        self._canvas.setViewerPreference("PrintScaling", "None")

    def next_page(self) -> None:
        self._canvas.showPage()

    def as_pdf(self) -> bytes:
        self._canvas.showPage()
        self._canvas.save()
        return self._file.getvalue()

    def line(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        *,
        bold: bool = False,
        colour: float = BLACK,
        align: str = "left",
    ) -> None:
        """One line of clean text."""
        x -= {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * text.measure(words, size) / mm
        canvas = self._canvas
        canvas.saveState()
        canvas.setFillGray(colour)
        ink = canvas.beginText(x * mm, (HEIGHT - y) * mm)
        ink.setFont(text.FONT, size)
        if bold:
            canvas.setStrokeGray(colour)
            canvas.setLineWidth(size * HEAVY)
            canvas.setLineJoin(1)
            ink.setTextRenderMode(2)
        ink.textOut(words)
        canvas.drawText(ink)
        canvas.restoreState()

    def fitted(
        self,
        x: float,
        y: float,
        words: str,
        width: float,
        sizes: tuple[float, float],
        *,
        bold: bool = False,
        colour: float = BLACK,
        align: str = "left",
    ) -> None:
        """One line, as large as its place allows."""
        size, line = text.fit_line(words, width * mm, sizes)
        self.line(x, y, line, size, bold=bold, colour=colour, align=align)

    def paragraph(
        self,
        x: float,
        top: float,
        texts: Sequence[str],
        width: float,
        height: float,
        sizes: Sequence[float],
        *,
        bold: bool = False,
    ) -> float:
        """Texts in a box, as large as the sizes allow; answers where it ended."""
        size, lines = text.fit_lines(texts, width * mm, height * mm, sizes)
        return self.lines(x, top, lines, size, bold=bold)

    def lines(self, x: float, top: float, lines: Sequence[str], size: float, *, bold: bool = False) -> float:
        """Lines that are clean and fit already; answers where they ended."""
        step: float = size * text.LEADING / mm
        for number, words in enumerate(lines):
            self.line(x, top + size * CAPITAL / mm + number * step, words, size, bold=bold)
        return top + len(lines) * step

    def rule(self, y: float, *, left: float = LEFT, right: float = RIGHT, weight: float = 0.8) -> None:
        canvas = self._canvas
        canvas.saveState()
        canvas.setLineWidth(weight)
        canvas.line(left * mm, (HEIGHT - y) * mm, right * mm, (HEIGHT - y) * mm)
        canvas.restoreState()

    def fold(self, y: float) -> None:
        """A dashed line from edge to edge."""
        canvas = self._canvas
        canvas.saveState()
        canvas.setLineWidth(0.7)
        canvas.setDash(4, 3)
        canvas.line(0, (HEIGHT - y) * mm, WIDTH * mm, (HEIGHT - y) * mm)
        canvas.restoreState()

    def box(
        self, x: float, top: float, width: float, height: float, *, filled: bool = False, weight: float = 1.0
    ) -> None:
        canvas = self._canvas
        canvas.saveState()
        canvas.setLineWidth(weight)
        canvas.setFillGray(BLACK)
        canvas.rect(x * mm, (HEIGHT - top - height) * mm, width * mm, height * mm, stroke=1, fill=int(filled))
        canvas.restoreState()

    def barcode(self, centre: float, top: float, height: float, reference: str) -> None:
        """A reference as Code 128, in vectors, around `centre`."""
        module = reference_barcode.MODULE
        x = centre - len(reference_barcode.modules(reference)) * module / 2
        canvas = self._canvas
        canvas.saveState()
        canvas.setFillGray(BLACK)
        for start, width in reference_barcode.bars(reference):
            canvas.rect(
                (x + start * module) * mm,
                (HEIGHT - top - height) * mm,
                width * module * mm,
                height * mm,
                stroke=0,
                fill=1,
            )
        canvas.restoreState()
