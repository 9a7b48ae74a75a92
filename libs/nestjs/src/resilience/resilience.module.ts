/** The dependencies of an app in Nest: policies checked at boot, transitions in the log, HTTP clients to inject. */
import { Dependencies, dependencies, resilientHttp, type Dependency, type ResilientHttp } from '@annals/resilience';
import {
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { nestLog } from '../nest-log.js';

const httpToken = (dependency: string): string => `ResilientHttp:${dependency}`;

/** Injects the `ResilientHttp` of a dependency that the module was registered with, and that has a URL. */
export const InjectHttp = (dependency: string): ParameterDecorator & PropertyDecorator => Inject(httpToken(dependency));

/** One HTTP client for each dependency, closed with the app. */
@Injectable()
export class HttpClients implements OnApplicationShutdown {
  private readonly open = new Map<string, ResilientHttp>();

  /** @throws UnknownDependency, NoUrl */
  of(dependency: string): ResilientHttp {
    const client = this.open.get(dependency) ?? resilientHttp(dependency);
    this.open.set(dependency, client);
    return client;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.open.values()].map((client) => client.close()));
  }
}

@Injectable()
class CircuitLog implements OnModuleInit, OnApplicationShutdown {
  private readonly log = nestLog('Resilience');
  private stop: () => void = () => undefined;

  constructor(private readonly all: Dependencies) {}

  onModuleInit(): void {
    this.stop = this.all.onTransition(({ dependency, from, to, reason }) => {
      const text = `The circuit of '${dependency}' is ${to}; it was ${from}.`;
      if (to === 'open') this.log.warn(text, { reason });
      else this.log.info(text);
    });
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}

@Module({})
export class ResilienceModule {
  /**
   * @param declared what `dependency()` gave
   * @throws InvalidPolicy when the application is created
   */
  static register(declared: readonly Dependency[]): DynamicModule {
    const clients = declared
      .filter(({ settings }) => settings.url !== undefined)
      .map(({ name }) => ({
        provide: httpToken(name),
        inject: [HttpClients, Dependencies],
        useFactory: (http: HttpClients) => http.of(name),
      }));
    return {
      module: ResilienceModule,
      providers: [
        { provide: Dependencies, useFactory: () => (dependencies.check(), dependencies) },
        HttpClients,
        CircuitLog,
        ...clients,
      ],
      exports: [Dependencies, HttpClients, ...clients.map(({ provide }) => provide)],
    };
  }
}
