"""A real GRPOTrainer from TRL, so that its own arithmetic is what the fixtures record.

Nothing is trained: callers hand it tensors through `_compute_loss` and `_generate_and_score_completions`.
"""

import tempfile

from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from trl import GRPOConfig, GRPOTrainer


def grpo_trainer(model, tokenizer: PreTrainedTokenizerBase, group: int, reward_functions: list, **settings) -> GRPOTrainer:
    """One group (or `settings["per_device_train_batch_size"]` completions) is one batch is one optimizer step.

    `beta` is set after construction: during it TRL would look for a reference model of its own. The correction of the
    KL term, whose default differs between versions of TRL, is off unless asked for.
    """
    beta = settings.pop("beta", 0.0)
    settings.setdefault("use_bias_correction_kl", False)
    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        num_generations=group,
        gradient_accumulation_steps=1,
        **{"per_device_train_batch_size": group, **settings},
    )
    data = Dataset.from_list([{"prompt": "anything"}] * 4)
    trainer = GRPOTrainer(model, reward_functions, config, train_dataset=data, processing_class=tokenizer)
    trainer.beta = beta
    trainer.current_gradient_accumulation_steps = 1
    return trainer
