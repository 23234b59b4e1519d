/**
 * Reverse-mode differentiation over a recorder. An op records its forward kernels, then hands the tape a closure that
 * records its backward kernels. Nothing runs here: forward and backward become one list of commands, planned and
 * replayed as a whole.
 *
 * Only tensors that something trainable feeds into get gradients. Trainable adapter matrices are not on the tape's
 * gradient map: their gradients accumulate across micro-batches in tensors of their own (see ops/linear.ts).
 */
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Storage, Tensor } from '../gpu/tensor.ts';
import { addInto } from './add.ts';

/** Where a backward kernel writes the gradient of an input: over what is there, or on top of it. */
export interface Sink {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

interface Node {
  readonly outputs: readonly Tensor[];
  readonly backward: () => void;
}

export class Tape {
  readonly rec: Recorder;
  /** False while only inference is recorded: ops then save nothing. */
  readonly recording: boolean;
  readonly #nodes: Node[] = [];
  readonly #tracked = new Set<Storage>();
  readonly #grads = new Map<Storage, Tensor>();

  constructor(rec: Recorder, options: { recording?: boolean } = {}) {
    this.rec = rec;
    this.recording = options.recording ?? true;
  }

  /** Marks a tensor as one whose gradient is wanted. */
  track(tensor: Tensor): Tensor {
    this.#tracked.add(tensor.storage);
    return tensor;
  }

  tracks(tensor: Tensor): boolean {
    return this.recording && this.#tracked.has(tensor.storage);
  }

  /**
   * Records an op's backward. It is kept if an input is tracked or the op itself trains something; outputs are then
   * tracked too.
   */
  node(inputs: readonly Tensor[], outputs: readonly Tensor[], backward: () => void, trains = false): void {
    if (!this.recording || !(trains || inputs.some((t) => this.tracks(t)))) return;
    for (const output of outputs) this.track(output);
    this.#nodes.push({ outputs, backward });
  }

  /** The gradient that has reached a tensor; null if none has. */
  grad(tensor: Tensor): Tensor | null {
    const grad = this.#grads.get(tensor.storage);
    return grad ? grad.reshape(...tensor.shape) : null;
  }

  /** Where to write the gradient of an op's input. An aliased gradient is never written in place. */
  sink(tensor: Tensor): Sink {
    const known = this.#grads.get(tensor.storage);
    if (!known) {
      const fresh = this.rec.empty(`d ${tensor.label}`, tensor.shape);
      this.#grads.set(tensor.storage, fresh);
      return { tensor: fresh, accumulate: false };
    }
    if (this.#isShared(known)) {
      const copy = this.#copy(known).reshape(...tensor.shape);
      this.#grads.set(tensor.storage, copy);
      return { tensor: copy, accumulate: true };
    }
    return { tensor: known.reshape(...tensor.shape), accumulate: true };
  }

  /** Adds a whole gradient, sharing its memory where this is the first contribution (residual connections). */
  addGrad(tensor: Tensor, grad: Tensor): void {
    if (!this.#grads.has(tensor.storage)) {
      this.#grads.set(tensor.storage, grad);
      return;
    }
    addInto(this.rec, this.sink(tensor).tensor, grad);
  }

  /** Records every backward, last op first. Gradients of the seeds must have been given with `addGrad`. */
  backward(): void {
    for (let i = this.#nodes.length - 1; i >= 0; i--) {
      const node = this.#nodes[i]!;
      if (!node.outputs.some((t) => this.#grads.has(t.storage))) continue;
      node.backward();
      for (const output of node.outputs) this.#grads.delete(output.storage);
    }
    this.#nodes.length = 0;
  }

  /**
   * Runs `layer` without keeping its intermediates; the backward pass records it a second time. Trades one more
   * forward for the memory of everything inside. `layer` must give the same result each time (no fresh randomness).
   */
  checkpoint(x: Tensor, layer: (tape: Tape, x: Tensor) => Tensor, trains: boolean): Tensor {
    if (!this.recording) return layer(this, x);
    const y = layer(new Tape(this.rec, { recording: false }), x);
    this.node(
      [x],
      [y],
      () => {
        const dy = this.grad(y);
        invariant(dy, 'checkpoint without a gradient');
        const inner = new Tape(this.rec);
        const wanted = this.tracks(x);
        if (wanted) inner.track(x);
        const again = layer(inner, x);
        // The inner pass may write its seed in place; give it a copy if anyone else still reads this gradient.
        inner.addGrad(again, this.#isShared(dy) ? this.#copy(dy) : dy);
        inner.backward();
        const dx = wanted ? inner.grad(x) : null;
        if (dx) this.addGrad(x, dx);
      },
      trains,
    );
    return y;
  }

  #copy(grad: Tensor): Tensor {
    const copy = this.rec.empty(grad.label, grad.shape);
    this.rec.copy(grad, copy);
    return copy;
  }

  #isShared(grad: Tensor): boolean {
    let holders = 0;
    for (const other of this.#grads.values()) if (other.storage === grad.storage) holders++;
    return holders > 1;
  }
}
