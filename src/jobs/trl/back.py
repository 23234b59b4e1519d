"""Goes back to the weights as they were after some merge, or as the job began. What was written and kept stays."""

import common


def main():
    stage, _ = common.opened()
    kept = common.state()["merges"][: stage["settings"]["merges"]]
    common.leave(model=kept[-1] if kept else common.JOB["model"], adapter=None, merges=kept)


if __name__ == "__main__":
    main()
