/** What a job cannot be written for: said before anything is written, and a command then ends with exit code 2. */
import { GroundworkError } from '../base/error.ts';

class JobRefused extends GroundworkError {
  readonly exitCode = 2;
}

export const unable = (message: string, hint: string): GroundworkError => new JobRefused('job-unable', message, hint);
