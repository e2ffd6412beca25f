"""Which lines differ, by Myers' algorithm with the bounds and the tidying that git's own diff has, so that both say the
same. E. Myers, An O(ND) Difference Algorithm and Its Variations, 1986; the rest as in git's xdiff.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .sliding import Marks, tidy

SNAKE = 20
"""Equal lines in a row that make a diagonal worth ending at."""
DEAR = 256
"""Steps from which on such a diagonal ends the search, and the least bound of all steps."""
WORTH = 4
MOST_EQUAL = 1024
WINDOW = 100
RUN = 4
FAR = 1 << 60

Box = tuple[int, int, int, int]


def lines_of(data: bytes) -> list[bytes]:
    """With their ends, which only the last one may be without: then it differs from one that has one."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def differing(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[Marks, Marks]:
    """A mark for each line of either that has no partner; one more at the end, which is never set."""
    numbers: dict[bytes, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in old]
    b = [numbers.setdefault(line, len(numbers)) for line in new]
    marks_a, marks_b = bytearray(len(a) + 1), bytearray(len(b) + 1)
    start, end = _ends(a, b)
    left, right = _kept(a, b, start, end, marks_a), _kept(b, a, start, end, marks_b)
    _compare([a[at] for at in left], [b[at] for at in right], left, right, marks_a, marks_b)
    tidy(old, a, marks_a, marks_b)
    tidy(new, b, marks_b, marks_a)
    return marks_a, marks_b


def changes(marks_a: Marks, marks_b: Marks) -> Iterator[Box]:
    """Stretches that differ: begin and end in the one, begin and end in the other."""
    i = j = 0
    size_a, size_b = len(marks_a) - 1, len(marks_b) - 1
    while i < size_a or j < size_b:
        if not marks_a[i] and not marks_b[j]:
            step = _same(marks_a, marks_b, i, j, min(size_a - i, size_b - j))
            i, j = i + step, j + step
            continue
        first, second = i, j
        while marks_a[i]:
            i += 1
        while marks_b[j]:
            j += 1
        yield first, i, second, j


def _same(a: Marks, b: Marks, i: int, j: int, most: int) -> int:
    """How many lines follow that are in both."""
    next_a, next_b = a.find(1, i), b.find(1, j)
    return min([most, *(at for at in (next_a - i, next_b - j) if at >= 0)])


def _ends(a: Sequence[int], b: Sequence[int]) -> tuple[int, int]:
    """Equal lines at the beginning and at the end."""
    most = min(len(a), len(b))
    start = 0
    while start < most and a[start] == b[start]:
        start += 1
    end = 0
    while end < most - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return start, end


def _root(number: int) -> int:
    """About its square root."""
    root = 1
    while number > 0:
        root <<= 1
        number >>= 2
    return root


def _kept(a: Sequence[int], b: Sequence[int], start: int, end: int, marks: Marks) -> list[int]:
    """Places in `a` that are compared. Lines that are nowhere in `b` are marked at once, and so are frequent ones amid
    such."""
    counts = Counter(b)
    limit = min(_root(len(a)), MOST_EQUAL)
    last = len(a) - end
    kinds = bytearray(len(a))
    for at in range(start, last):
        found = counts[a[at]]
        kinds[at] = 0 if not found else 2 if found >= limit else 1
    kept = []
    for at in range(start, last):
        if kinds[at] == 1 or (kinds[at] == 2 and not _is_amid(kinds, at, start, last - 1)):
            kept.append(at)
        else:
            marks[at] = 1
    return kept


def _is_amid(kinds: bytearray, at: int, first: int, last: int) -> bool:
    first, last = max(first, at - WINDOW), min(last, at + WINDOW)
    lone_before, frequent_before = _run(kinds, range(at - 1, first - 1, -1))
    if not lone_before:
        return False
    lone_after, frequent_after = _run(kinds, range(at + 1, last + 1))
    if not lone_after:
        return False
    lone, frequent = lone_before + lone_after, frequent_before + frequent_after
    return frequent * RUN < frequent + lone


def _run(kinds: bytearray, places: range) -> tuple[int, int]:
    lone, frequent = 0, 1
    for place in places:
        if kinds[place] == 0:
            lone += 1
        elif kinds[place] == 2:
            frequent += 1
        else:
            break
    return lone, frequent


def _compare(
    a: Sequence[int], b: Sequence[int], left: Sequence[int], right: Sequence[int], marks_a: Marks, marks_b: Marks
) -> None:
    size = len(a) + len(b) + 3
    most = max(_root(size), DEAR)
    forward, backward = [0] * (size + 2), [0] * (size + 2)
    boxes: list[tuple[int, int, int, int, bool]] = [(0, len(a), 0, len(b), False)]
    while boxes:
        low1, high1, low2, high2, minimal = boxes.pop()
        while low1 < high1 and low2 < high2 and a[low1] == b[low2]:
            low1, low2 = low1 + 1, low2 + 1
        while low1 < high1 and low2 < high2 and a[high1 - 1] == b[high2 - 1]:
            high1, high2 = high1 - 1, high2 - 1
        if low1 == high1:
            for at in range(low2, high2):
                marks_b[right[at]] = 1
        elif low2 == high2:
            for at in range(low1, high1):
                marks_a[left[at]] = 1
        else:
            box = (low1, high1, low2, high2)
            at1, at2, low, high = _split(a, b, box, forward, backward, most, minimal=minimal)
            boxes.append((at1, high1, at2, high2, high))
            boxes.append((low1, at1, low2, at2, low))


Split = tuple[int, int, bool, bool]
"""Where a box is cut in two, and whether the search in either is to be a whole one."""


def _split(
    a: Sequence[int], b: Sequence[int], box: Box, forward: list[int], backward: list[int], most: int, *, minimal: bool
) -> Split:
    low1, high1, low2, high2 = box
    least, greatest = low1 - high2, high1 - low2
    middle_f, middle_b = low1 - low2, high1 - high2
    odd = (middle_f - middle_b) & 1
    shift = len(b) + 1  # diagonals begin below 0
    min_f = max_f = middle_f
    min_b = max_b = middle_b
    forward[middle_f + shift], backward[middle_b + shift] = low1, high1
    cost = 0
    while True:
        cost += 1
        snake = False
        if min_f > least:
            min_f -= 1
            forward[min_f - 1 + shift] = -1
        else:
            min_f += 1
        if max_f < greatest:
            max_f += 1
            forward[max_f + 1 + shift] = -1
        else:
            max_f -= 1
        for d in range(max_f, min_f - 1, -2):
            before, behind = forward[d - 1 + shift], forward[d + 1 + shift]
            i = begun = before + 1 if before >= behind else behind
            j = i - d
            while i < high1 and j < high2 and a[i] == b[j]:
                i, j = i + 1, j + 1
            snake = snake or i - begun > SNAKE
            forward[d + shift] = i
            if odd and min_b <= d <= max_b and backward[d + shift] <= i:
                return i, j, True, True
        if min_b > least:
            min_b -= 1
            backward[min_b - 1 + shift] = FAR
        else:
            min_b += 1
        if max_b < greatest:
            max_b += 1
            backward[max_b + 1 + shift] = FAR
        else:
            max_b -= 1
        for d in range(max_b, min_b - 1, -2):
            before, behind = backward[d - 1 + shift], backward[d + 1 + shift]
            i = begun = before if before < behind else behind - 1
            j = i - d
            while i > low1 and j > low2 and a[i - 1] == b[j - 1]:
                i, j = i - 1, j - 1
            snake = snake or begun - i > SNAKE
            backward[d + shift] = i
            if not odd and min_f <= d <= max_f and i <= forward[d + shift]:
                return i, j, True, True
        if minimal:
            continue
        ahead, back = range(max_f, min_f - 1, -2), range(max_b, min_b - 1, -2)
        if snake and cost > DEAR:
            found = _good_ahead(a, b, box, forward, ahead, shift, cost) or _good_back(
                a, b, box, backward, back, shift, cost
            )
            if found:
                return found
        if cost >= most:
            return _furthest(box, forward, ahead, backward, back, shift)


def _good_ahead(
    a: Sequence[int], b: Sequence[int], box: Box, reached: list[int], diagonals: range, shift: int, cost: int
) -> Split | None:
    low1, high1, low2, high2 = box
    middle, best = low1 - low2, 0
    found: Split | None = None
    for d in diagonals:
        i = reached[d + shift]
        j = i - d
        value = (i - low1) + (j - low2) - abs(d - middle)
        if not (value > WORTH * cost and value > best and low1 + SNAKE <= i < high1 and low2 + SNAKE <= j < high2):
            continue
        if all(a[i - k] == b[j - k] for k in range(1, SNAKE + 1)):
            best, found = value, (i, j, True, False)
    return found


def _good_back(
    a: Sequence[int], b: Sequence[int], box: Box, reached: list[int], diagonals: range, shift: int, cost: int
) -> Split | None:
    low1, high1, low2, high2 = box
    middle, best = high1 - high2, 0
    found: Split | None = None
    for d in diagonals:
        i = reached[d + shift]
        j = i - d
        value = (high1 - i) + (high2 - j) - abs(d - middle)
        if not (value > WORTH * cost and value > best and low1 < i <= high1 - SNAKE and low2 < j <= high2 - SNAKE):
            continue
        if all(a[i + k] == b[j + k] for k in range(SNAKE)):
            best, found = value, (i, j, False, True)
    return found


def _furthest(box: Box, forward: list[int], ahead: range, backward: list[int], back: range, shift: int) -> Split:
    """Enough is enough: the diagonal that came furthest from either end."""
    low1, high1, low2, high2 = box
    best, best_i = -1, -1
    for d in ahead:
        i = min(forward[d + shift], high1)
        j = i - d
        if high2 < j:
            i, j = high2 + d, high2
        if best < i + j:
            best, best_i = i + j, i
    least, least_i = FAR, FAR
    for d in back:
        i = max(low1, backward[d + shift])
        j = i - d
        if j < low2:
            i, j = low2 + d, low2
        if i + j < least:
            least, least_i = i + j, i
    if (high1 + high2) - least < best - (low1 + low2):
        return best_i, best - best_i, True, False
    return least_i, least - least_i, False, True
