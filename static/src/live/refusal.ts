// What is said of a call that did not work.
import { isFields, text } from '../wire/parse';

/** Gives the server's sentence, an error's own, or other words where there is none. */
export function refusalText(error: unknown, otherwise: string): string {
  if (error instanceof Error && error.message !== '') return error.message;
  return isFields(error) ? text(error['message'], otherwise) : otherwise;
}
