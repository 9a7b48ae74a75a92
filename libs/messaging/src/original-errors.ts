import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { throwError, type Observable } from 'rxjs';

/**
 * Lets what a method with `@EventPattern` throws reach the {@link IntegrationServer} as it is. Nest's own filter makes
 * "Internal server error" of it: then a dead letter does not say why, and a database that is away counts as a failed try.
 *
 *     app.connectMicroservice({ strategy }).useGlobalFilters(new OriginalErrors());
 */
@Catch()
export class OriginalErrors implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
