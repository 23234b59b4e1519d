/** A room that fails does not take the house with it. */
import { Component, type ReactNode } from 'react';
import { DEFECT } from '../base/error-codes.ts';
import { problemOf } from './problem.ts';
import { ProblemNote } from './ui/problem-note.tsx';

export class RoomBoundary extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    const { what, trace = '' } = problemOf(this.state.error);
    return (
      <ProblemNote
        problem={{
          code: 'room-failed',
          trace,
          what: `This room could not be shown: ${what}`,
          hint: `${DEFECT} The engine still works, and so does a run. Go to another room and come back, or reload the page when no run is active.`,
        }}
      >
        <p>
          <button type="button" className="button" onClick={() => this.setState({ error: null })}>
            Try again
          </button>
        </p>
      </ProblemNote>
    );
  }
}
