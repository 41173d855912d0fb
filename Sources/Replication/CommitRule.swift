package import Primitives

/// Which sets of regions make something durable: a durability applied to a plan. Pure arithmetic,
/// asked for every commit and for every chunk that a commit names.
///
/// A region weighs as much as it has voters, because what Raft needs to go on is a majority of
/// voters: with two regions the one with two voters is a majority, as it is for the log.
package struct CommitRule: Hashable, Sendable {
    package struct Region: Hashable, Sendable {
        package let id: RegionID
        package let voters: Int
    }

    package let durability: Durability
    package let home: RegionID
    /// Every region with a replica, by name.
    package let regions: [Region]

    package init(durability: Durability, plan: ReplicaPlan) {
        self.durability = durability
        home = plan.home
        regions = plan.regions.map { region in Region(id: region, voters: plan.voters.count { $0.region == region }) }
    }

    private var voters: Int { regions.reduce(0) { $0 + $1.voters } }

    /// Whether it is durable once these regions hold it. Regions outside the plan do not count.
    package func isSatisfied(regionsHolding holding: [RegionID]) -> Bool {
        switch durability {
        case .region:
            holding.contains(home)
        case .majority, .bounded:
            regions.reduce(0) { $0 + (holding.contains($1.id) ? $1.voters : 0) } * 2 > voters
        case .all:
            regions.allSatisfy { holding.contains($0.id) }
        }
    }

    /// The regions to wait for, nearest first as listed in `order`: the shortest prefix that is
    /// enough, without those that add nothing. What is eagerly pushed goes there first.
    package func required(nearestFirst order: [RegionID]) -> [RegionID] {
        switch durability {
        case .region: return [home]
        case .all: return order.filter { name in regions.contains { $0.id == name } }
        case .majority, .bounded: break
        }
        var chosen: [RegionID] = []
        for region in order where !isSatisfied(regionsHolding: chosen) {
            if regions.contains(where: { $0.id == region && $0.voters > 0 }) { chosen.append(region) }
        }
        return chosen
    }

    /// The regions without which it can not become durable, whatever the others do.
    package var indispensable: [RegionID] {
        regions.map(\.id).filter { region in
            !isSatisfied(regionsHolding: regions.map(\.id).filter { $0 != region })
        }
    }

    /// Whether a commit may be accepted while the slowest region lags by this much.
    package func allows(lag: Duration) -> Bool { durability.allows(lag: lag, bytes: 0) }
}
