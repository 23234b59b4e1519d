"""The hundred named objects: file name in @lobehub/fluent-emoji-3d (code points) → the name we call it by.

The package names its pictures by Unicode code points only; the human names below are ours (short, and unlike
each other to the eye), which is why this is a table and not a lookup in the Unicode database.
"""

OBJECTS = {
    "1f34e": "red apple", "1f34c": "banana", "1f347": "grapes", "1f349": "watermelon", "1f34b": "lemon",
    "1f353": "strawberry", "1f352": "cherries", "1f34d": "pineapple", "1f951": "avocado", "1f955": "carrot",
    "1f33d": "corn", "1f344": "mushroom", "1f346": "eggplant", "1f966": "broccoli", "1f354": "burger",
    "1f355": "pizza", "1f35f": "fries", "1f369": "donut", "1f36a": "cookie", "1f36d": "lollipop",
    "1f9c1": "cupcake", "1f366": "ice cream", "1f95a": "egg", "1f9c0": "cheese", "1f37f": "popcorn",
    "1f37a": "beer", "1f431": "cat", "1f436": "dog", "1f42d": "mouse", "1f430": "rabbit",
    "1f98a": "fox", "1f43b": "bear", "1f43c": "panda", "1f428": "koala", "1f42f": "tiger",
    "1f981": "lion", "1f42e": "cow", "1f437": "pig", "1f438": "frog", "1f435": "monkey",
    "1f414": "chicken", "1f427": "penguin", "1f989": "owl", "1f41d": "bee", "1f98b": "butterfly",
    "1f40c": "snail", "1f41e": "ladybug", "1f422": "turtle", "1f419": "octopus", "1f980": "crab",
    "1f420": "fish", "1f433": "whale", "1f993": "zebra", "1f418": "elephant", "1f986": "duck",
    "1f697": "red car", "1f695": "taxi", "1f692": "fire truck", "1f69c": "tractor", "1f6b2": "bicycle",
    "1f682": "train", "2708-fe0f": "airplane", "1f681": "helicopter", "1f680": "rocket", "26f5": "sailboat",
    "2693": "anchor", "1f6a6": "traffic light", "1f388": "balloon", "1f381": "gift", "1f383": "pumpkin",
    "26c4": "snowman", "1f308": "rainbow", "2b50": "star", "1f525": "fire", "1f335": "cactus",
    "1f334": "palm tree", "1f337": "tulip", "1f33b": "sunflower", "26bd": "soccer ball", "1f3c0": "basketball",
    "1f3af": "target", "1f3b2": "die", "1f3b8": "guitar", "1f3ba": "trumpet", "1f4f7": "camera",
    "1f4fa": "television", "1f4bb": "laptop", "260e-fe0f": "telephone", "1f4a1": "light bulb", "23f0": "alarm clock",
    "1f512": "lock", "1f511": "key", "1f451": "crown", "1f455": "shirt", "1f457": "blue dress",
    "1f392": "backpack", "1f3c6": "trophy", "1f47d": "alien", "1f916": "robot", "1f3e0": "house",
}

# What belongs together, in the order of the table; what has no fellow here ("other") is never asked for by its kind.
KINDS = {
    "fruit": "red apple, banana, grapes, watermelon, lemon, strawberry, cherries, pineapple",
    "vegetable": "avocado, carrot, corn, mushroom, eggplant, broccoli, pumpkin",
    "dish": "burger, pizza, fries, donut, cookie, lollipop, cupcake, ice cream, egg, cheese, popcorn",
    "animal": "cat, dog, mouse, rabbit, fox, bear, panda, koala, tiger, lion, cow, pig, frog, monkey, chicken, penguin, owl, bee, "
              "butterfly, snail, ladybug, turtle, octopus, crab, fish, whale, zebra, elephant, duck",
    "vehicle": "red car, taxi, fire truck, tractor, bicycle, train, airplane, helicopter, rocket, sailboat",
    "plant": "cactus, palm tree, tulip, sunflower",
    "device": "camera, television, laptop, telephone, alarm clock",
    "clothing": "crown, shirt, blue dress, backpack",
    "instrument": "guitar, trumpet",
    "ball": "soccer ball, basketball",
}

FILES = list(OBJECTS)
NAMES = list(OBJECTS.values())
assert len(NAMES) == len(set(NAMES)) == 100
KIND = {name: f"other: {name}" for name in NAMES} | {name: kind for kind, names in KINDS.items() for name in names.split(", ")}
assert set(KIND) == set(NAMES)


def article(name: str) -> str:
    """"cat" → "a cat", "owl" → "an owl"; plurals go without: "grapes", "fries"."""
    if name in ("grapes", "cherries", "fries", "popcorn", "corn", "broccoli", "fire", "cheese"):
        return name
    return ("an " if name[0] in "aeiou" else "a ") + name


def listing(names: list[str]) -> str:
    """["cat", "dog", "owl"] → "a cat, a dog and an owl"."""
    parts = [article(name) for name in names]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
