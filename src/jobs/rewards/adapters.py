# One answer scored, and what each engine calls.


def score(text, ids, truth, stage):
    """{reward: value or None} of one completion, and their weighted sum (None: no rule applies to the row).

    `text` is decoded with special tokens, without the one that ended it; `ids` are all tokens that were generated.
    `truth` is the row's own column of that name.
    """
    choice, truth = CHOICES[stage], json.loads(truth) if isinstance(truth, str) else truth
    answer, values = read_answer(text, truth["sizes"]), {}
    for name, weight, settings in choice["rewards"]:
        values[name] = RULES[name](answer, truth, ids, settings, choice["limit"])
    present = [(values[name], weight) for name, weight, _ in choice["rewards"] if values[name] is not None]
    return values, sum(value * weight for value, weight in present) if present else None


def without_end_token(ids, ends):
    return ids[:-1] if ids and ids[-1] in ends else ids


def text_of(tokenizer, ids, ends):
    """What the studio reads: special tokens stay, only the one that ended the completion goes."""
    return tokenizer.decode(
        without_end_token(list(ids), ends), skip_special_tokens=False, clean_up_tokenization_spaces=False
    )


def trl_rewards(stage, tokenizer, ends):
    """Reward functions for TRL and their weights: one for each rule, in the order of the studio."""
    seen = {}

    def values_of(completion_ids, truth):
        key = (tuple(completion_ids), truth)
        if key not in seen:
            if len(seen) > 4096:
                seen.clear()
            seen[key] = score(text_of(tokenizer, completion_ids, ends), list(completion_ids), truth, stage)[0]
        return seen[key]

    def function(name):
        def reward(completion_ids, truth, **_):
            return [values_of(ids, each)[name] for ids, each in zip(completion_ids, truth)]

        reward.__name__ = name
        return reward

    rewards = CHOICES[stage]["rewards"]
    return [function(name) for name, _, _ in rewards], [weight for _, weight, _ in rewards]


def total(text, ids, truth, stage):
    """One number: 0 where no rule applies."""
    value = score(text, ids, truth, stage)[1]
    return 0.0 if value is None else value
