/** Asks an app whether it can do its work. */
export type Readiness =
  | { readonly ready: true }
  /** `status` of the answer; undefined when there was none. */
  | { readonly ready: false; readonly status: number | undefined; readonly reason: string };

const answerWithinMs = 2_000;

/** @param url the app's base URL */
export async function readinessOf(url: string): Promise<Readiness> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(answerWithinMs) });
    const body = await response.text();
    if (response.ok) return { ready: true };
    const { status } = response;
    return { ready: false, status, reason: problemIn(body) ?? `it answers ${status}` };
  } catch (error) {
    return { ready: false, status: undefined, reason: `it does not answer at ${url} (${causeOf(error)})` };
  }
}

/** The reasons in a problem+json body. */
function problemIn(body: string): string | undefined {
  try {
    const { errors, detail } = JSON.parse(body) as { errors?: unknown; detail?: unknown };
    if (Array.isArray(errors) && errors.length > 0) return errors.join('; ');
    return typeof detail === 'string' ? detail : undefined;
  } catch {
    return undefined; // not JSON: the status has to do
  }
}

/** `fetch` says only "fetch failed"; why is in the cause. */
export function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return error instanceof Error ? error.message : String(error);
}
