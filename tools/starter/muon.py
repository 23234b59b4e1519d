"""Muon (momentum, then orthogonalisation by Newton–Schulz) in float32, equal shapes batched.

torch.optim.Muon orthogonalises in bfloat16, which a CPU without bfloat16 units does some thirty times slower.
Updates are scaled to AdamW's usual size, so both optimizers share one learning rate.
"""

import torch
import torch.distributed as dist


def orthogonalise(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    x = g.mT if tall else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * (s @ s)) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.02, rank=0, world=1):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))
        self.rank, self.world = rank, world  # each rank orthogonalises its share

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                shapes.setdefault(tuple(sorted(p.shape)), []).append((p, p.grad.lerp(state["momentum"], group["momentum"])))
            updates = []
            for (short, long), members in shapes.items():
                flat = torch.stack([u if u.shape[0] == short else u.mT for _, u in members])
                n, mine = len(members), torch.zeros_like(flat)
                share = slice(n * self.rank // self.world, n * (self.rank + 1) // self.world)
                if share.stop > share.start:
                    mine[share] = orthogonalise(flat[share]) * (0.2 * long**0.5)
                updates.append(mine)
            if self.world > 1:
                everything = torch.cat([u.flatten() for u in updates])
                dist.all_reduce(everything)
                updates = [u.view_as(v) for u, v in zip(everything.split([u.numel() for u in updates]), updates)]
            for batch, members in zip(updates, shapes.values()):
                for (p, _), u in zip(members, batch):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.sub_(group["lr"] * (u if u.shape == p.shape else u.mT))
