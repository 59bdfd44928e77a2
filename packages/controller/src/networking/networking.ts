import type { Config } from '@portward/model/config.ts';
import type { Resource } from '@portward/model/resource.ts';
import type { router } from '@portward/model/router.ts';
import type { Store } from '../store/store.ts';
import { addressGroupRules } from './address-group.ts';
import { addressScopeRules } from './address-scope.ts';
import { agentRules } from './agent.ts';
import { AgentScheduling } from './agent-scheduling.ts';
import { Collection } from './collection.ts';
import { floatingIpRules } from './floating-ip.ts';
import { networkRules } from './network.ts';
import { portRules } from './port.ts';
import { portForwardingRules } from './port-forwarding.ts';
import { Quotas } from './quota.ts';
import { rbacPolicyRules } from './rbac-policy.ts';
import { routerRules } from './router.ts';
import { RouterActions } from './router-interface.ts';
import type { Rules } from './rules.ts';
import { securityGroupRules } from './security-group.ts';
import { securityGroupRuleRules } from './security-group-rule.ts';
import { subnetRules } from './subnet.ts';
import { subnetPoolRules } from './subnet-pool.ts';
import { TagCollection } from './tags.ts';

/** The resources of the Networking API that have a path of their own, with their rules. */
const RULES = [
  networkRules,
  subnetRules,
  portRules,
  routerRules,
  floatingIpRules,
  securityGroupRules,
  securityGroupRuleRules,
  agentRules,
  addressGroupRules,
  addressScopeRules,
  subnetPoolRules,
  rbacPolicyRules,
] as unknown as Rules[];

/** The networking room: every collection of the API over one store. */
export class Networking {
  readonly store: Store;
  readonly settings: Config['networking'];
  /** By path: `floatingips`, `security-groups`, … */
  readonly collections: ReadonlyMap<string, Collection>;
  /** Under each floating IP. */
  readonly portForwardings: Collection;
  readonly tags: ReadonlyMap<string, TagCollection>;
  readonly routerActions: RouterActions;
  readonly quotas: Quotas;
  readonly agentScheduling: AgentScheduling;

  constructor(store: Store, settings: Config['networking']) {
    this.store = store;
    this.settings = settings;
    this.collections = new Map(RULES.map((rules) => [rules.definition.collection, new Collection(store, rules)]));
    this.portForwardings = new Collection(store, portForwardingRules as unknown as Rules<Resource>);
    const tagged = [...this.collections].filter(([, collection]) => collection.definition.tagged);
    this.tags = new Map(tagged.map(([path, collection]) => [path, new TagCollection(store, collection)]));
    this.quotas = new Quotas(store, settings);
    this.agentScheduling = new AgentScheduling(store, this.collections);
    this.routerActions = new RouterActions(
      store,
      this.collections.get('routers') as unknown as Collection<typeof router>,
    );
  }
}
