package import Primitives
package import Transport

/// What a router is told: which cluster, which regions in which order, and what their links do.
package struct RouterSettings: Sendable {
    /// Of the device on the machine's side: 1 to 15 characters.
    package var device: String
    package var subnet: Subnet
    package var regions: [RegionID]
    package var rules: LinkRules

    package init(device: String, subnet: Subnet, regions: [RegionID], rules: LinkRules) {
        self.device = device
        self.subnet = subnet
        self.regions = regions
        self.rules = rules
    }

    /// The largest window of a flow between two regions that the rules name.
    var window: Int? { rules.links.compactMap(\.rule.window).max() }
}

/// What a router has done since its start.
package struct RouterCounters: Hashable, Sendable {
    package var forwarded: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Dropped because the link is cut.
    package var cut: UInt64 = 0
    /// Dropped by the loss of a link.
    package var lost: UInt64 = 0
    /// Dropped because a queue was full.
    package var full: UInt64 = 0
    /// Dropped because they go nowhere: other protocols, other addresses.
    package var stray: UInt64 = 0
    /// Refused by the kernel at the other side.
    package var refused: UInt64 = 0
    /// How much later than due packets left: the most, in nanoseconds.
    package var latest: Int64 = 0

    package init() {}
}
