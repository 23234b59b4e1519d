/** The engine's worker, with faults below it. They come first. */
import './faults.ts';
import '../../../src/engine/worker.ts';
