"""Folds the adapter of the stage before into the weights: the start of the next stage, and its reference."""

import common


def main():
    stage, _ = common.opened()
    now = common.state()
    if now["adapter"] is None:
        common.stop("There is no adapter to merge.")
    out = common.WORK / stage["name"]
    common.open_model().merge_and_unload().save_pretrained(out)
    common.open_processor(now["model"]).save_pretrained(out)
    common.leave(model=str(out), adapter=None, merges=[*now["merges"], str(out)])


if __name__ == "__main__":
    main()
