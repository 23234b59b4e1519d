# How boxes are compared, and what a right answer is.


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    union = area(a) + area(b) - w * h
    return w * h / union if union > 0 else 0.0


def area(box):
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def giou(a, b):
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    overlap = iou(a, b)
    union = (area(a) + area(b)) / (1 + overlap)
    return overlap - (hull - union) / hull if hull > 0 else overlap


def centre_inside(a, b):
    x, y = (a[0] + a[2]) / 2, (a[1] + a[3]) / 2
    return b[0] <= x <= b[2] and b[1] <= y <= b[3]


def in_right_image(score):
    return lambda p, s: score(p["box"], s["box"]) if p["image"] == s["image"] or s["guessed"] else 0.0


grounded_iou = in_right_image(iou)


def pairs_of(scores):
    """The pairing with the largest sum (Hungarian method with potentials): (row, column, score)."""
    if not scores or not scores[0]:
        return []
    rows, columns = len(scores), len(scores[0])
    if rows > columns:
        turned = pairs_of([[line[c] for line in scores] for c in range(columns)])
        return sorted((column, row, score) for row, column, score in turned)
    u, v, row_of = [0.0] * (rows + 1), [0.0] * (columns + 1), [0] * (columns + 1)
    for r in range(1, rows + 1):
        row_of[0], column = r, 0
        least, before, used = [math.inf] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while True:
            used[column] = True
            row, delta, following = row_of[column], math.inf, 0
            for c in range(1, columns + 1):
                if used[c]:
                    continue
                cost = -scores[row - 1][c - 1] - u[row] - v[c]
                if cost < least[c]:
                    least[c], before[c] = cost, column
                if least[c] < delta:
                    delta, following = least[c], c
            for c in range(columns + 1):
                if used[c]:
                    u[row_of[c]] += delta
                    v[c] -= delta
                else:
                    least[c] -= delta
            column = following
            if row_of[column] == 0:
                break
        while column:
            row_of[column] = row_of[before[column]]
            column = before[column]
    return sorted((row_of[c] - 1, c - 1, scores[row_of[c] - 1][c - 1]) for c in range(1, columns + 1) if row_of[c])


def match_boxes(predicted, solution, score):
    finite = lambda value: value if math.isfinite(value) else 0.0
    return [pair for pair in pairs_of([[finite(score(p, s)) for s in solution] for p in predicted]) if pair[2] > 0]


def mean_matched(predicted, solution, score):
    if not predicted or not solution:
        return 0.0
    return sum(pair[2] for pair in match_boxes(predicted, solution, score)) / max(len(predicted), len(solution))


def refuses(answer):
    plain = PATTERNS["quotes"].sub("", answer.strip(JS_SPACE)).strip(JS_SPACE)
    return 0 < len(plain) <= WORDS["longest_refusal"] and PATTERNS["nothing"].search(plain) is not None


def says_nothing(answer):
    return not answer["boxes"] and refuses(answer["answer"])


def read_choice(text, choices):
    """The letter meant, of the first so many; None where it is none or more than one."""
    start = text.rfind("<answer>")
    body = (text if start < 0 else text[start + len("<answer>") :].split("</answer>")[0]).strip(JS_SPACE)
    letters = "".join(chr(65 + i) for i in range(min(26, choices)))
    i = re.IGNORECASE | re.ASCII
    space = f"[{JS_SPACE}]"
    bracketed = {found.upper() for found in re.findall(rf"\(([{letters}])\)", body, i)}
    if len(bracketed) > 1:
        return None
    bare = re.match(rf"\(?([{letters}])(?:\Z|[).:,])", body, i)
    if bare:
        return bare.group(1).upper()
    after = re.findall(rf"\banswer(?:{space}+is)?{space}*(?::{space}*)?([{letters}])\b", body, i)
    meant = bracketed if len(bracketed) == 1 else {found.upper() for found in after}
    return next(iter(meant)) if len(meant) == 1 else None


def set_score(answer, truth, score=grounded_iou):
    wanted = truth["wanted"]
    if wanted and wanted["kind"] == "boxes":
        return mean_matched(answer["boxes"], truth["solution"], score)
    return float(says_nothing(answer)) if wanted and wanted["kind"] == "nothing" else None


def choice_score(answer, wanted):
    if not wanted or wanted["kind"] != "choice":
        return None
    return float(read_choice(answer["answer"], wanted["choices"]) == wanted["letter"])


def succeeds(answer, truth, threshold):
    """Whether a sample is right: every wanted box, each with at least this overlap in the right picture."""
    wanted, solution = truth["wanted"], truth["solution"]
    if wanted and wanted["kind"] == "nothing":
        return says_nothing(answer)
    if wanted and wanted["kind"] == "choice":
        return choice_score(answer, wanted) == 1
    if not wanted or len(answer["boxes"]) != len(solution):
        return False
    hit = lambda p, s: float((p["image"] == s["image"] or s["guessed"]) and grounded_iou(p, s) >= threshold)
    return len(match_boxes(answer["boxes"], solution, hit)) == len(solution)


def kept_of(asked, answer):
    """What the question asks for, part by part: 0 to 1 each."""
    kept, boxes = [], answer["boxes"]
    if asked["pictures"] is not None:
        right = sum(1 for box in boxes if box["image"] is not None and box["image"] in asked["pictures"])
        kept.append(right / len(boxes) if boxes else 0.0)
    if asked["count"] is not None:
        kept.append(float(len(boxes) == asked["count"]))
    form = asked["form"]
    if form is not None:
        if form["kind"] == "boxes":
            kept.append(float(answer["format_ok"]))
        elif form["kind"] == "nothing":
            kept.append(float(says_nothing(answer)))
        else:
            plain = PATTERNS["choice_marks"].sub("", answer["answer"].strip(JS_SPACE)).strip(JS_SPACE)
            kept.append(float(any(choice.lower() == plain.lower() for choice in form["choices"])))
    return kept


def agreement_of(answer):
    """Overlap of the last box of the thought with the box of the answer that it fits best; None without one."""
    if not answer["thought_boxes"]:
        return None
    last = answer["thought_boxes"][-1]
    fits = [b for b in answer["boxes"] if last["image"] is None or b["image"] is None or b["image"] == last["image"]]
    return max([0.0, *(iou(box["box"], last["box"]) for box in fits)])


def picture_share(answer, truth):
    """Pictures in common, counted with repetition; None where there was nothing to choose."""
    solution = truth["solution"]
    if not solution or len(truth["sizes"]) < 2 or any(s["guessed"] for s in solution):
        return None
    left, common = [s["image"] for s in solution], 0
    for box in answer["boxes"]:
        if box["image"] is not None and box["image"] in left:
            left.remove(box["image"])
            common += 1
    return common / max(len(answer["boxes"]), len(solution))


def count_share(answer, truth):
    if truth["wanted"] and truth["wanted"]["kind"] == "nothing":
        return float(says_nothing(answer))
    given, right = len(answer["boxes"]), len(truth["solution"])
    return None if right == 0 else min(given, right) / max(given, right)


def refusal_share(answer, truth):
    said = says_nothing(answer)
    if truth["solution"]:
        return -1.0 if said else 0.0
    return float(said) if truth["wanted"] and truth["wanted"]["kind"] == "nothing" else None


def repeated(ids, size, penalty):
    total = len(ids) - size + 1
    if total < 1:
        return 0.0
    return (1 - len({tuple(ids[i : i + size]) for i in range(total)}) / total) * penalty


def too_long(tokens, cache, limit):
    free = limit - cache
    return 0.0 if tokens <= free else -1.0 if tokens > limit else (free - tokens) / cache


def cosine(answer, truth, tokens, limit, v):
    if truth["wanted"] is None:
        return None
    right = succeeds(answer, truth, v["threshold"])
    short, long = (v["shortRight"], v["longRight"]) if right else (v["shortWrong"], v["longWrong"])
    return long + 0.5 * (short - long) * (1 + math.cos(min(tokens / limit, 1) * math.pi))


def mean_or_none(values):
    return sum(values) / len(values) if values else None
