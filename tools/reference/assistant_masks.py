"""Token ids and loss masks of conversations with several answers, as TRL's assistant_only_loss computes them:
transformers' return_assistant_tokens_mask over a template whose answers stand in generation blocks.

    python tools/reference/assistant_masks.py

Writes tests/golden/assistant-masks.json. Templates are those of the golden checkpoints, with the blocks put in here.
"""

import json
from pathlib import Path

from transformers import AutoTokenizer

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"
OPEN, CLOSE = "{% generation %}", "{% endgeneration %}"

QWEN25_PLAIN = "{{ message['content'] }}<|im_end|>\n"
QWEN25 = (
    "{% if message['role'] == 'assistant' %}" + OPEN + "{{ message['content'] }}<|im_end|>" + CLOSE + "{{ '\\n' }}"
    "{% else %}" + QWEN25_PLAIN + "{% endif %}"
)
SMOLVLM = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}:"
    "{% if message['role'] == 'assistant' %}" + OPEN + "{{ ' ' }}{{ message['content'] }}<end_of_utterance>" + CLOSE
    + "{% else %}{{ ' ' }}{{ message['content'] }}<end_of_utterance>{% endif %}{{ '\\n' }}{% endfor %}"
)

CONVERSATIONS = [
    [
        {"role": "user", "content": "Where is the red cup?"},
        {"role": "assistant", "content": '<answer>[{"bbox_2d": [10, 20, 60, 80], "label": "cup"}]</answer>'},
        {"role": "user", "content": "And the plate? Say yes if you see one."},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "Find it."},
        {"role": "assistant", "content": '<answer>[{"bbox_2d": [110, 20, 160, 80]}]</answer>'},
    ],
    [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "yes"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "no"},
        {"role": "assistant", "content": "no."},
    ],
]


def masked(checkpoint: str, template: str) -> list[dict]:
    tokenizer = AutoTokenizer.from_pretrained(GOLDEN / checkpoint / "checkpoint")
    cases = []
    for messages in CONVERSATIONS:
        out = tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        cases.append({"messages": messages, "ids": list(out["input_ids"]), "mask": list(out["assistant_masks"])})
    return cases


def main() -> None:
    qwen = (GOLDEN / "qwen2_5_vl/two-images/checkpoint/chat_template.jinja").read_text()
    assert qwen.count(QWEN25_PLAIN) == 1
    golden = {
        "qwen2_5_vl/two-images": masked("qwen2_5_vl/two-images", qwen.replace(QWEN25_PLAIN, QWEN25)),
        "smolvlm/nine": masked("smolvlm/nine", SMOLVLM),
    }
    (GOLDEN / "assistant-masks.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
