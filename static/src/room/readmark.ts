// Up to where a room was read on this device.
import { isFields, number, text } from '../wire/parse';

/** Gives the offset up to which a stream was read, or null when it is another stream, or never was. */
export function readMark(kept: string | null, epoch: string): number | null {
  try {
    const parsed: unknown = JSON.parse(kept ?? 'null');
    return isFields(parsed) && text(parsed['epoch']) === epoch ? number(parsed['offset']) : null;
  } catch {
    return null;
  }
}

export function readMarkText(epoch: string, offset: number): string {
  return JSON.stringify({ epoch, offset });
}
