// Parts of the app that are loaded when they are first needed, and what is done when they can't be.
import { ApiError, reach } from "../api/client";

/** An import that failed fails for ever, so the page that lacks it must be loaded again. */
const UNLOADED = "unloaded";

/** A part is missing if the archive can't be reached, or if a newer app has taken this one's place. */
export const load = <T>(part: () => Promise<T>): Promise<T> =>
  part().catch(async (error) => {
    await reach().catch((offline: ApiError) => {
      throw new ApiError(0, UNLOADED, offline.message, offline.hint);
    });
    throw error;
  });

export const isUnloaded = (error: unknown) => error instanceof ApiError && error.code === UNLOADED;

/** Loads the page anew, once there is something to load. */
export const reload = () =>
  void reach().then(
    () => location.reload(),
    () => {},
  );
