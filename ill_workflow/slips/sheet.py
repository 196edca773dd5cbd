"""A page, or a cell of one, on which things are placed in millimetres from the top left corner."""

from collections.abc import Iterable, Sequence
from io import BytesIO

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from ill_workflow.slips import fonts, lettering, reference_barcode, text
from ill_workflow.slips.logo import Picture
from ill_workflow.slips.papers import Form, mm

BLACK, GREY, WHITE = 0.0, 0.32, 1.0
CAPITAL = 0.714  #: height of a capital letter, in font sizes
DESCENDER = 0.25  #: how far letters reach below their baseline
HEAVY = 0.03  #: stroke around bold letters, in font sizes: the packages bring one weight
HEAVY_DENSE = 0.02  #: where letters are made of many strokes
SMALLEST = 6.0  #: points; what is smaller is not read at a packing table

# Bytes as letters would make the file a quarter larger, and take longer.
rl_config.useA85 = 0


class Book:
    """A PDF while it is drawn, page by page."""

    def __init__(self, title: str, texts: Iterable[str]) -> None:
        self._file = BytesIO()
        # Invariant: neither clock nor chance goes into the file.
        self.canvas = Canvas(self._file, invariant=1, initialFontName=fonts.load(fonts.LATIN).fontName)
        self.canvas.setTitle(title)
        # "Fit to page" would shrink the barcode and move the fold.
        self.canvas.setViewerPreference("PrintScaling", "None")
        han = fonts.han_font(text.han(texts))
        self.han = han.fontName if han else fonts.LATIN

    def page(self, width: float, height: float) -> None:
        """The page that is drawn on from now, in millimetres."""
        self.height = height
        self.canvas.setPageSize((width * mm, height * mm))

    def cut_marks(self, page: Form, cell: Form) -> None:
        """Short lines where the cells of a page meet, for the knife."""
        canvas, mark = self.canvas, 5.0
        canvas.saveState()
        canvas.setLineWidth(0.5)
        canvas.setStrokeGray(GREY)
        rows = [cell.height * n for n in range(round(page.height / cell.height) + 1)]
        columns = [cell.width * n for n in range(round(page.width / cell.width) + 1)]
        for y in rows[1:-1]:
            for x in columns:
                canvas.line((x - mark) * mm, (page.height - y) * mm, (x + mark) * mm, (page.height - y) * mm)
        for x in columns[1:-1]:
            for y in rows:
                canvas.line(x * mm, (page.height - y - mark) * mm, x * mm, (page.height - y + mark) * mm)
        canvas.restoreState()

    def end_page(self) -> None:
        self.canvas.showPage()

    def as_pdf(self) -> bytes:
        self.canvas.save()
        return self._file.getvalue()


class Sheet:
    """Lengths are millimetres, font sizes are points; `y` of text is its baseline, `top` the top of its capitals."""

    def __init__(self, book: Book, form: Form, *, x: float = 0.0, y: float = 0.0) -> None:
        self.form = form
        self.left, self.right = form.margin, form.width - form.margin
        self.full = self.right - self.left
        self.bottom = form.height - form.margin
        self.lowest = 0.0  #: how far down anything was drawn
        self._book, self._canvas, self._x, self._y = book, book.canvas, x, y

    def by(self, length: float) -> float:
        """A length that stands on Letter, on this paper."""
        return length * self.form.scale

    def points(self, size: float) -> float:
        """A font size that stands on Letter, on this paper."""
        return max(min(size, SMALLEST), round(size * self.form.scale * 4) / 4)

    def sizes(self, *sizes: float) -> list[float]:
        return [self.points(size) for size in sizes]

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
        self._reaches(y + size * DESCENDER / mm)
        line = lettering.set_line(words)
        x -= {"left": 0.0, "centre": 0.5, "right": 1.0}[align] * line.width * size / mm
        if colour == GREY and self.form.thermal:
            colour = BLACK
        canvas = self._canvas
        canvas.saveState()
        canvas.setFillGray(colour)
        if bold:
            canvas.setStrokeGray(colour)
            canvas.setLineWidth(size * (HEAVY if lettering.is_plain(words) else HEAVY_DENSE))
            canvas.setLineJoin(1)
        left, base = self._across(x), self._up(y)
        for piece in line.pieces:
            if piece.says is not None:
                canvas.addLiteral(f"/Span <</ActualText <FEFF{piece.says.encode('utf-16-be').hex()}>>> BDC")
            for run in piece.runs:
                ink = canvas.beginText(left + run.x * size, base + run.rise * size)
                ink.setFont(self._book.han if run.face == fonts.HAN else run.face, size)
                if bold:
                    ink.setTextRenderMode(2)
                ink.textOut(run.text)
                canvas.drawText(ink)
            if piece.says is not None:
                canvas.addLiteral("EMC")
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
        if align == "left" and lettering.runs_leftwards(line):
            x, align = x + width, "right"
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
        return self.lines(x, top, lines, size, width, bold=bold)

    def lines(
        self, x: float, top: float, lines: Sequence[str], size: float, width: float, *, bold: bool = False
    ) -> float:
        """Lines that are clean and fit already; answers where they ended."""
        step: float = size * text.LEADING / mm
        for number, words in enumerate(lines):
            y = top + size * CAPITAL / mm + number * step
            if lettering.runs_leftwards(words):
                self.line(x + width, y, words, size, bold=bold, align="right")
            else:
                self.line(x, y, words, size, bold=bold)
        return top + len(lines) * step

    def rule(self, y: float, *, left: float | None = None, right: float | None = None, weight: float = 0.8) -> None:
        self._reaches(y)
        canvas = self._canvas
        canvas.saveState()
        canvas.setLineWidth(weight)
        canvas.line(
            self._across(self.left if left is None else left),
            self._up(y),
            self._across(self.right if right is None else right),
            self._up(y),
        )
        canvas.restoreState()

    def fold(self, y: float) -> None:
        """A dashed line from edge to edge."""
        canvas = self._canvas
        canvas.saveState()
        canvas.setLineWidth(0.7)
        canvas.setDash(4, 3)
        canvas.line(self._across(0), self._up(y), self._across(self.form.width), self._up(y))
        canvas.restoreState()

    def box(
        self, x: float, top: float, width: float, height: float, *, filled: bool = False, weight: float = 1.0
    ) -> None:
        self._reaches(top + height)
        canvas = self._canvas
        canvas.saveState()
        canvas.setLineWidth(weight)
        canvas.setFillGray(BLACK)
        canvas.rect(self._across(x), self._up(top + height), width * mm, height * mm, stroke=1, fill=int(filled))
        canvas.restoreState()

    def picture(self, right: float, top: float, width: float, height: float, picture: Picture) -> float:
        """As large as its place allows, in its top right corner; answers how wide it is."""
        scale = min(width / picture.width, height / picture.height)
        wide, high = picture.width * scale, picture.height * scale
        self._reaches(top + high)
        self._canvas.drawImage(picture.reader, self._across(right - wide), self._up(top + high), wide * mm, high * mm)
        return wide

    def barcode(self, x: float, top: float, width: float, height: float, reference: str) -> None:
        """A reference as Code 128, in vectors, in the middle of its place."""
        self._reaches(top + height)
        count = len(reference_barcode.modules(reference))
        module = self.module(reference, width)
        x += (width - count * module) / 2
        path = self._canvas.beginPath()
        low = self._up(top + height)
        for start, wide in reference_barcode.bars(reference):
            path.rect(self._across(x + start * module), low, wide * module * mm, height * mm)
        self._canvas.setFillGray(BLACK)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def module(self, reference: str, width: float) -> float:
        """The width of the narrowest bar: the best at which bars are printed and quiet zones stay white."""
        count = len(reference_barcode.modules(reference))
        bars = count - 2 * reference_barcode.QUIET_ZONE
        found = (m for m in self.form.modules if count * m <= width and bars * m <= self.full)
        return next(found, self.form.modules[-1])

    def _reaches(self, y: float) -> None:
        self.lowest = max(self.lowest, y)

    def _across(self, x: float) -> float:
        return float((self._x + x) * mm)

    def _up(self, y: float) -> float:
        return float((self._book.height - self._y - y) * mm)
