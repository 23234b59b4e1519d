# How an answer is read: which boxes it names, in which pictures, and whether its form was kept. PATTERNS and WORDS are
# those of the studio; what is read here is read there.
JS_SPACE = "\t\n\x0b\x0c\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
BARE_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
MAX_QUADS = WORDS["most_boxes"]
XYXY = ("x1", "y1", "x2", "y2")
YXYX = ("y1", "x1", "y2", "x2")


def first_number(text):
    """The number that a text begins with, after a sign."""
    return float(BARE_NUMBER.match(text.strip(JS_SPACE)).group(0))


def shown(value):
    """A number as a key of an object."""
    return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e21 else repr(value)


def plain_key(key):
    return PATTERNS["key_marks"].sub("", key.lower())


# --- Pictures that words mean


def image_of(value, by):
    if by.endswith('index"') or by.endswith('idx"'):
        start = 0
    elif by.endswith('id"'):
        return None
    else:
        start = 1
    return None if value < start else value - start


def counting(value, by):
    return {"image": image_of(value, by), "counted": True}


def of_word(word):
    if word in WORDS["last"]:
        return -1
    return max(words.index(word) if word in words else -1 for words in WORDS["numbers"])


def image_hints(text):
    """What is said of pictures, in reading order: image from 0, -1 the last, None where a number cannot be counted."""
    hints = []
    for match in PATTERNS["hint"].finditer(text):
        noun, digits, cardinal, nth, ordinal, han, last, counter, hangul, sign, sign_digits, sign_han = match.groups()
        place = {"start": match.start(), "end": match.end()}
        number = digits if digits is not None else sign_digits
        word = next((w for w in (cardinal, ordinal, last, hangul, sign_han) if w is not None), None)
        if word is None and han is not None and not re.search("[0-9]", han):
            word = han
        if number is not None:
            by = (noun if noun is not None else sign).lower()
            quoted = '"' in match.group(0) or "'" in match.group(0)
            hints.append({**place, **counting(int(number), f'"{by}"' if quoted else by)})
        elif word is not None:
            hints.append({**place, "image": of_word(word.lower())})
        else:
            value = next((v for v in (nth, counter, han) if v is not None), None)
            if value is not None and int(value) > 0:
                hints.append({**place, "image": int(value) - 1})
    named = len(hints)
    for match in PATTERNS["lettered"].finditer(text):
        letter = match.group(1)
        place = max(words.index(letter) if letter in words else -1 for words in WORDS["letters"])
        hints.append({"start": match.start(), "end": match.end(), "image": place})
    if hints:
        for match in PATTERNS["elliptic"].finditer(text):
            within, word = match.group(1), match.group(2)
            start = match.start() + len(within or "")
            hints.append({"start": start, "end": match.end(), "image": None if within is None else of_word(word.lower())})
    return hints if len(hints) == named else sorted(hints, key=lambda hint: hint["start"])


def resolve_hint(image, pictures):
    index = pictures - 1 if image == -1 else image
    return index if 0 <= index < pictures else None


def image_of_value(value):
    text = value.strip(JS_SPACE)
    if len(text) > 40:
        return None
    for candidate in (text, text + " image"):
        hints = image_hints(candidate)
        if hints and hints[0]["start"] == 0 and hints[0]["end"] == len(candidate):
            return {"image": hints[0]["image"], "counted": hints[0].get("counted", False)}
    return None


def image_of_key(key, value):
    by = plain_key(key)
    if not PATTERNS["image_key"].search(by):
        return None
    if isinstance(value, str):
        number = float(value.strip(JS_SPACE)) if PATTERNS["short_number"].search(value) else None
    else:
        number = value
    if number is not None:
        return counting(int(number), f'"{by}"') if math.isfinite(number) and number == int(number) and number >= 0 else None
    return image_of_value(value) or {"image": None, "counted": False}


def stated_for(places, hints):
    """What is said of each place's picture: by its own form, by words before it, or where there are none, after it."""
    objects = [place for place in places if place["form"] == "object"]
    words, at = [], 0
    for hint in hints:
        while at < len(objects) and objects[at]["end"] <= hint["start"]:
            at += 1
        if not (at < len(objects) and hint["start"] >= objects[at]["start"] and hint["end"] <= objects[at]["end"]):
            words.append(hint)
    first = places[0]["start"] if places else 0
    trailing = not any(hint["end"] <= first for hint in words)
    carried, at, stated = None, 0, []
    for i, place in enumerate(places):
        if trailing:
            until = places[i + 1]["start"] if i + 1 < len(places) else math.inf
            while at < len(words) and words[at]["start"] < place["end"]:
                at += 1
            carried = words[at] if at < len(words) and words[at]["end"] <= until else None
        else:
            begin = 0 if i == 0 else places[i - 1]["end"]
            while at < len(words) and words[at]["end"] <= place["start"]:
                at += 1
            if at > 0 and words[at - 1]["start"] >= begin:
                carried = words[at - 1]
        stated.append(place if place["image"] is not None or place.get("counted") else carried)
    return stated


# --- Values that are JSON, or nearly

CLOSING = {"[": "]", "(": ")", "{": "}"}
QUOTES = {'"': '"', "'": "'", "“": "”"}


def half_width(text):
    return PATTERNS["wide"].sub(lambda m: WORDS["wide"].get(m.group(0)) or chr(ord(m.group(0)) - 0xFEE0), text)


def is_word_start(c):
    return c.isalpha() or c in "_$"


def is_word_part(c):
    return c.isalnum() or c in "_$.-"


class Reader:
    MAX_DEPTH = 32

    def __init__(self, text, original):
        self.text, self.original, self.at, self.stopped, self.unpaired = text, original, 0, False, {}

    def read(self, start):
        self.at, self.stopped = start, False
        return self.container(0)

    def here(self):
        return self.text[self.at] if self.at < len(self.text) else None

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] in JS_SPACE:
            self.at += 1

    def container(self, depth):
        start = self.at
        opened = self.text[start]
        self.at += 1
        close, fields, items, end = CLOSING[opened], [], [], self.at
        while True:
            self.skip()
            c = self.here()
            if c is None:
                self.stopped = True
            elif c in ",;":
                self.at += 1
                continue
            elif c == close:
                self.at += 1
                end = self.at
            elif opened == "{":
                field = self.field(depth)
                if field:
                    fields.append(field)
                    end = field[1]["end"]
                    if not self.stopped:
                        continue
                self.stopped = True
            else:
                item = self.value(depth + 1)
                if item:
                    items.append(item)
                    end = item["end"]
                    if not self.stopped:
                        continue
                self.stopped = True
            break
        if self.stopped and self.at >= len(self.text):
            end = len(self.text)
        if opened == "{":
            return {"kind": "object", "start": start, "end": end, "fields": fields}
        return {"kind": "list", "start": start, "end": end, "items": items}

    def field(self, depth):
        key = self.value(depth + 1)
        if key is None or key["kind"] not in ("string", "word", "number"):
            return None
        self.skip()
        if self.here() not in (":", "="):
            return None
        self.at += 1
        self.skip()
        value = self.value(depth + 1)
        name = shown(key["value"]) if key["kind"] == "number" else key["text"]
        return (name, value) if value else None

    def value(self, depth):
        c = self.here()
        if c is None:
            return None
        if c in CLOSING:
            return self.container(depth) if depth < self.MAX_DEPTH else None
        if c in QUOTES:
            return self.string(c)
        number = PATTERNS["loose_number"].match(self.text, self.at)
        if number:
            start, self.at = self.at, number.end()
            return {"kind": "number", "start": start, "end": self.at, "value": first_number(number.group(0))}
        if not is_word_start(c):
            return None
        start = self.at
        self.at += 1
        while self.at < len(self.text) and self.at - start <= 80 and is_word_part(self.text[self.at]):
            self.at += 1
        word = self.text[start : self.at]
        if self.here() != "(" or depth >= self.MAX_DEPTH:
            return {"kind": "word", "start": start, "end": self.at, "text": word}
        call = self.container(depth)
        first = call["items"][0] if call["items"] else None
        if first:
            return {**first, "start": start, "end": call["end"]}
        return {"kind": "word", "start": start, "end": call["end"], "text": word}

    def string(self, opened):
        close, start = QUOTES[opened], self.at
        if self.unpaired.get(opened, 0) > start:
            return None
        i = start + 1
        while i < len(self.text) and self.text[i] != "\n":
            if self.text[i] == "\\":
                i += 1
            elif self.text[i] == close and (opened != "'" or PATTERNS["after_quote"].search(self.text[i + 1 : i + 6])):
                break
            i += 1
        if i >= len(self.text) or self.text[i] != close:
            self.unpaired[opened] = i
            return None
        self.at = i + 1
        return {"kind": "string", "start": start, "end": self.at, "text": unescaped(self.original[start + 1 : i])}


def unescaped(text):
    if "\\" not in text:
        return text
    try:
        return json.loads('"' + re.sub(r'(?<!\\)"', r'\\"', text).replace("\\'", "'") + '"')
    except ValueError:
        return text


def loose_values(original):
    text = half_width(original)
    reader, values, i = Reader(text, original), [], 0
    while i < len(text):
        if text[i] not in "{[":
            i += 1
            continue
        values.append(reader.read(i))
        i = max(reader.at, i + 1)
    return values


# --- Boxes inside such values


def number_of(value):
    if value is None:
        return None
    if value["kind"] == "number":
        return value
    text = half_width(value["text"]) if value["kind"] == "string" else ""
    if value["kind"] != "string" or not PATTERNS["number_in_quotes"].search(text):
        return None
    return {"value": first_number(text), "start": value["start"] + 1, "end": value["end"] - 1}


def numbers_of(items):
    numbers = [number_of(item) for item in items]
    return numbers if all(n is not None and math.isfinite(n["value"]) for n in numbers) else None


def is_point(value):
    return value["kind"] == "list" and len(value["items"]) == 2 and numbers_of(value["items"]) is not None


def corners_of(sides, values):
    of = dict(zip(sides, values))
    if "cx" in of:
        return [of["cx"] - of["w"] / 2, of["cy"] - of["h"] / 2, of["cx"] + of["w"] / 2, of["cy"] + of["h"] / 2]
    if "w" in of:
        return [of["x1"], of["y1"], of["x1"] + of["w"], of["y1"] + of["h"]]
    return [of["x1"], of["y1"], of["x2"], of["y2"]]


def items_of(value):
    return value["items"] if value["kind"] == "list" else []


NOWHERE = {"image": None, "counted": False}


class BoxWalk:
    MAX_DEPTH = 12

    def __init__(self, in_string):
        self.found, self.misfits, self.others, self.in_string = [], 0, [], in_string

    def met(self):
        return len(self.found) + self.misfits

    def walk(self, value, around=NOWHERE, key=None, depth=0):
        if depth > self.MAX_DEPTH:
            return
        if value["kind"] == "object":
            self.object(value, around, depth)
        elif value["kind"] == "list":
            self.list(value, around, key, depth)
        elif value["kind"] == "string" and key is not None and (key in WORDS["box"] or key in WORDS["y_first"]):
            inner = self.in_string(value)
            if inner:
                self.walk(inner, around, key, depth + 1)

    def list(self, value, around, key, depth):
        items = value["items"]
        numbers = numbers_of(items)
        flat = numbers
        if flat is None and len(items) == 2 and all(is_point(item) for item in items):
            flat = numbers_of([each for item in items for each in items_of(item)])
        is_box_key = key is not None and (key in WORDS["box"] or key in WORDS["y_first"])
        if flat is not None and len(flat) == 4:
            self.box(value, flat, YXYX if key in WORDS["y_first"] else XYXY, around, is_box_key, key)
        elif is_box_key and numbers is not None and len(numbers) in (8, 5, 2):
            self.misfits += 1
        elif is_box_key and len(items) > 2 and all(is_point(item) for item in items):
            self.misfits += 1
        elif len(items) > 2 and all(is_point(item) for item in items):
            self.others.append((value["start"], value["end"]))
        elif numbers is None:
            for item in items:
                self.walk(item, around, key, depth + 1)

    def box(self, value, numbers, sides, around, in_object, key):
        declared = key is not None and key in WORDS["y_first"]
        values = [number["value"] for number in numbers]
        if declared and any(v > 1000 for v in values):
            self.misfits += 1
            return
        self.found.append(
            {
                "numbers": corners_of(sides, values),
                "form": "object" if in_object else "list",
                "image": around["image"],
                "counted": around["counted"],
                "thousand": declared,
            }
        )

    def object(self, value, inherited, depth):
        fields = [(key, plain_key(key), own) for key, own in value["fields"]]
        around = around_of(fields, inherited)
        angles = [number_of(own) for _, plain, own in fields if plain in WORDS["angles"]]
        if any(angle and angle["value"] != 0 for angle in angles) and any(
            plain in WORDS["box"] or plain in WORDS["side_keys"] for _, plain, _ in fields
        ):
            self.misfits += 1
            return
        sides = sides_of(fields) or two_corners(fields)
        if sides:
            self.box(value, sides[1], sides[0], around, True, None)
            return
        before = self.met()
        for _, plain, own in fields:
            if plain not in WORDS["box"] and plain not in WORDS["y_first"]:
                continue
            if own["kind"] == "list" and has_parallel_labels(fields, own):
                for item in items_of(own):
                    self.walk(item, around, plain, depth + 1)
            else:
                self.walk(own, around, plain, depth + 1)
            if self.met() > before:
                break
        if self.met() > before:
            return
        for key, plain, own in fields:
            if plain in WORDS["points"]:
                self.points(own)
            elif plain in WORDS["other"]:
                self.others.append((own["start"], own["end"]))
            elif own["kind"] in ("list", "object"):
                self.walk(own, under_key(key, around), None, depth + 1)
        if self.met() == before and point_of(value):
            self.misfits += 1

    def points(self, value):
        if value["kind"] != "list":
            return
        items, numbers = value["items"], numbers_of(value["items"])
        meant = len(numbers) >= 2 if numbers is not None else all(is_point(item) for item in items)
        if meant and items:
            self.misfits += 1
        elif numbers is None:
            for item in items:
                self.points(item)


def sides_of(fields):
    for sides, spellings in WORDS["sides"]:
        for keys in spellings:
            own = [(plain, value) for _, plain, value in fields if plain in keys]
            numbers = numbers_of([value for _, value in own]) if len(own) == 4 else None
            if numbers:
                named = tuple(sides[keys.index(plain)] for plain, _ in own)
                return (named, numbers)
    return None


def field_value(fields, name):
    return next((value for _, plain, value in fields if plain == name), None)


def point_of(value):
    if value is None:
        return None
    if value["kind"] == "list":
        return numbers_of(value["items"]) if len(value["items"]) == 2 else None
    if value["kind"] != "object":
        return None
    own = [(key, plain_key(key), each) for key, each in value["fields"]]
    x, y = number_of(field_value(own, "x")), number_of(field_value(own, "y"))
    return [x, y] if x and y else None


def two_corners(fields):
    for one, other, sides in WORDS["corners"]:
        first, second = (point_of(field_value(fields, key)) for key in (one, other))
        if first and second:
            return (sides, [*first, *second])
    return None


def around_of(fields, inherited):
    around = inherited
    for key, _, value in fields:
        if value["kind"] not in ("number", "string"):
            continue
        stated = image_of_key(key, value["value"] if value["kind"] == "number" else value["text"])
        if stated:
            around = merged(around, stated)
            break
    for wanted in WORDS["label"]:
        field = next((v for _, plain, v in fields if plain == wanted and v["kind"] == "string"), None)
        if field:
            return labelled(around, field["text"])
    return around


def merged(around, stated):
    return {"image": stated["image"], "counted": stated.get("counted", False) or around["counted"]}


def labelled(around, text):
    hints = image_hints(text[:60])
    if not hints or hints[0]["start"] != 0 or not PATTERNS["label_colon"].search(text[hints[0]["end"] :]):
        return around
    return merged(around, hints[0])


def has_parallel_labels(fields, boxes):
    if numbers_of(boxes["items"]) is not None:
        return False
    return any(
        plain in WORDS["labels"]
        and value["kind"] == "list"
        and len(value["items"]) == len(boxes["items"])
        and all(item["kind"] == "string" for item in value["items"])
        for _, plain, value in fields
    )


def under_key(key, around):
    picture = image_of_value(key)
    if picture is not None:
        return merged(around, picture)
    if PATTERNS["two_digits"].search(key):
        return {**around, "counted": True}
    return around


# --- Boxes in a text, in any of the field's forms


def widened(text, start, end):
    for opened, closed in PATTERNS["around"]:
        head = text[max(0, start - 16) : start]
        before = opened.search(head)
        after = closed.search(text[end : end + 16]) if before else None
        if before and after:
            return start - len(before.group(0)), end + len(after.group(0))
    return start, end


def list_in_string(text):
    def inner(value):
        inside = text[value["start"] + 1 : value["end"] - 1]
        if len(inside) > 400:
            return None
        if PATTERNS["bracket_first"].search(inside):
            inside = PATTERNS["last_bracket"].sub("]", inside.replace("(", "[", 1), count=1)
        else:
            inside = "[" + inside + "]"
        values = loose_values(inside)
        return values[0] if values else None

    return inner


def refuse_constant(name):
    raise ValueError(name)


def is_strict(part):
    try:
        json.loads(part, parse_int=float, parse_constant=refuse_constant)
        return True
    except (ValueError, RecursionError):
        return False


def with_label(text, quad):
    match = PATTERNS["label_before"].search(text[max(0, quad["start"] - 400) : quad["start"]])
    return {**quad, "start": quad["start"] - len(match.group(0))} if match else quad


CORNER_ORDERS = {"corners from the last": (2, 3, 0, 1), "rising corners": (0, 3, 2, 1), "falling corners": (2, 1, 0, 3)}


def quad_numbers(kind, groups):
    if kind == "hundredths":
        return [float(g) * 10 for g in groups[1:5]], True
    if kind == "sizes":
        x, y, width, height = (float(g) for g in groups[:4])
        return [x, y, x + width, y + height], False
    if kind in CORNER_ORDERS:
        return [float(groups[i]) for i in CORNER_ORDERS[kind]], False
    if kind == "1024ths":
        y1, x1, y2, x2 = groups[:4]
        return [float(n) * 1000 / 1024 for n in (x1, y1, x2, y2)], True
    if kind == "labelled thousandths":
        return [float(g) for g in groups[1:5]], True
    return [float(g) for g in groups[:4]], kind == "thousandths"


def find_quads(text):
    quads, taken, half = [], [], half_width(text)
    for value in loose_values(text):
        walk = BoxWalk(list_in_string(text))
        walk.walk(value)
        if not walk.found:
            taken.extend(walk.others)
            continue
        start, end = widened(text, value["start"], value["end"])
        part = slice(value["start"], value["end"])
        how = {"start": start, "end": end, "strict": is_strict(text[part]), "decimal": "." in half[part]}
        taken.append((start, end))
        quads.extend(with_label(text, {**box, **how}) for box in walk.found)
    taken.extend((match.start(), match.end()) for match in PATTERNS["outline"].finditer(text))
    taken.sort(key=lambda span: span[0])
    for pattern, form, kind in PATTERNS["quads"]:
        at, fresh = 0, []
        for match in pattern.finditer(half):
            start, end = match.start(), match.end()
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            if at < len(taken) and taken[at][0] < end:
                continue
            numbers, thousand = quad_numbers(kind, match.groups())
            quad = {"start": start, "end": end, "form": form, "image": None, "counted": False, "strict": False}
            quad |= {"decimal": "." in match.group(0), "numbers": numbers, "thousand": thousand}
            quads.append(with_label(text, quad))
            fresh.append((start, end))
        if fresh:
            taken = sorted(taken + fresh, key=lambda span: span[0])
    if not quads:
        bare = next((found for found in (pattern.search(half) for pattern in PATTERNS["bare"]) if found), None)
        if bare:
            numbers = [float(g) for g in bare.groups()[:4]]
            quad = {"start": 0, "end": len(text), "form": "list", "image": None, "counted": False, "strict": False}
            quads.append({**quad, "decimal": "." in half, "numbers": numbers, "thousand": False})
    quads.sort(key=lambda quad: quad["start"])
    return quads[:MAX_QUADS]


# --- An answer


def without_end(text):
    rest = text.strip(JS_SPACE)
    while PATTERNS["end_of_turn"].search(rest):
        rest = PATTERNS["end_of_turn"].sub("", rest).rstrip(JS_SPACE)
    return rest


def tags_kept(text, thinking):
    """Thinking and answer, each in its tags once, and nothing around them."""
    if text.count("<answer>") != 1 or text.count("</answer>") != 1 or not text.endswith("</answer>"):
        return False
    thinks = (text.count("<think>"), text.count("</think>"))
    if thinks == (0, 0):
        return thinking == "optional" and text.startswith("<answer>")
    if thinks != (1, 1) or not text.startswith("<think>"):
        return False
    closed = text.index("</think>") + len("</think>")
    return text[closed:].lstrip(JS_SPACE).startswith("<answer>")


def split_tags(text):
    """(thinking or None, the part that answers, whether it has a tag)"""
    think_end, think_start = text.rfind("</think>"), text.find("<think>")
    rest = text if think_end < 0 else text[think_end + len("</think>") :]
    answer_start = rest.find("<answer>")
    answer_end = -1 if answer_start < 0 else rest.find("</answer>", answer_start)
    think = None
    if think_end >= 0:
        begin = think_start + len("<think>") if 0 <= think_start < think_end else 0
        think = text[begin:think_end].strip(JS_SPACE)
    elif think_start >= 0 and answer_start < 0:
        think = text[think_start + len("<think>") :].strip(JS_SPACE)
    elif 0 <= think_start < answer_start:
        think = text[think_start + len("<think>") : answer_start].strip(JS_SPACE)
    if answer_start < 0:
        return think, "" if think_end < 0 and think_start >= 0 else rest.strip(JS_SPACE), False
    end = None if answer_end < 0 else answer_end
    return think, rest[answer_start + len("<answer>") : end].strip(JS_SPACE), True


def clamp(value, low, high):
    return min(max(value, low), high)


def read_box(quad, tolerant, size):
    numbers = quad["numbers"]
    fraction = tolerant and quad["decimal"] and all(0 <= v <= 1 for v in numbers)
    if quad["thousand"] or (CONVENTION["space"] == "thousandths" and not fraction):
        by = (1000, 1000, 1000, 1000)
    elif fraction:
        by = (1, 1, 1, 1)
    else:
        by = (size[0], size[1], size[0], size[1])
    return [clamp(v / d, 0, 1) for v, d in zip(numbers, by)]


def canonical(quad, size):
    """As the model's own convention would have written it."""
    numbers = quad["numbers"]
    x1, y1, x2, y2 = numbers
    right, bottom = (1000, 1000) if CONVENTION["space"] == "thousandths" else size
    kept = quad["form"] == "pairs" if CONVENTION["syntax"] == "tokens" else quad["form"] == "object" and quad["strict"]
    return (
        kept
        and all(v == math.floor(v) for v in numbers)
        and 0 <= x1 <= x2 <= right
        and 0 <= y1 <= y2 <= bottom
    )


def parse_answer(text, sizes, tolerant, thinking):
    trimmed = without_end(text)
    think, answer, tagged = split_tags(trimmed)
    tags_ok = tags_kept(trimmed, thinking)
    searched = answer if tagged or tolerant else ""
    quads = find_quads(searched) if sizes else []
    stated = stated_for(quads, image_hints(searched) if quads else [])
    form_ok = tags_ok and len(quads) > 0
    if CONVENTION["syntax"] == "json":
        form_ok = form_ok and all(quad["start"] == 0 and quad["end"] == len(searched) for quad in quads)
    boxes = []
    for quad, told in zip(quads, stated):
        said = None if told is None else told["image"]
        if said is None:
            image = 0 if len(sizes) == 1 else None
        else:
            image = resolve_hint(said, len(sizes))
        size = sizes[image if image is not None else 0]
        form_ok = form_ok and image is not None and canonical(quad, size)
        boxes.append({"image": image, "box": read_box(quad, tolerant, size)})
    return {"think": think, "answer": searched, "boxes": boxes, "format_ok": form_ok, "tags_ok": tags_ok}


def read_answer(text, sizes):
    """What the model wrote: boxes as fractions of their pictures. `sizes`: [width, height] as the model sees each."""
    read = parse_answer(text, sizes, True, "optional")
    strict = parse_answer(text, sizes, False, "required")
    thought = [] if read["think"] is None else parse_answer(read["think"], sizes, True, "optional")["boxes"]
    return {**read, "format_ok": strict["format_ok"], "tags_ok": strict["tags_ok"], "thought_boxes": thought}
