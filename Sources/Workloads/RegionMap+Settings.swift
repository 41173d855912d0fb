internal import Primitives

// A map from the tree of its file. Every error names file, line and key.
extension RegionMap {
    package static let schema = 1
    package static let regionsMax = 200

    package init(settings root: SettingsNode) throws(SettingsError) {
        let table = try root.table(["schema", "name", "title", "source", "date", "same_region", "flow_window", "regions", "links"])
        let version = try table.required("schema").integer(in: 1...1_000)
        guard version == Self.schema else {
            throw try table.required("schema").error("version \(version) is not known", hint: "this program reads version \(Self.schema)")
        }
        let local = try table.required("same_region")
        let zones = try local.table(["zone_ms", "between_zones_ms"])
        let window = try table.required("flow_window").bytes(in: 1_024...(1 << 30))
        let (regions, prices) = try Self.regions(try table.required("regions"))
        let links = try Self.links(try table.required("links"), regions: regions, prices: prices, window: window)
        self.init(
            name: try table.required("name").text(limit: 64), title: try table.required("title").text(limit: 200),
            source: try table.required("source").text(), date: try table.required("date").text(limit: 200),
            sameZone: try zones.required("zone_ms").milliseconds(to: 100),
            betweenZones: try zones.required("between_zones_ms").milliseconds(to: 100), regions: regions, links: links)
    }

    private static func regions(_ node: SettingsNode) throws(SettingsError) -> ([Region], prices: [Double]) {
        var regions: [Region] = []
        var prices: [Double] = []
        let entries = try node.entries(limit: regionsMax)
        guard !entries.isEmpty else { throw node.error("has no region") }
        for entry in entries {
            let table = try entry.value.table(["title", "latitude", "longitude", "usd_per_gb"])
            guard isName(entry.key) else { throw entry.value.error("is no region name", hint: "use 1 to 64 of a–z, 0–9, - and _") }
            guard !regions.contains(where: { $0.id.name == entry.key }) else { throw entry.value.error("given twice") }
            regions.append(
                Region(
                    id: RegionID(entry.key), title: try table.required("title").text(limit: 100),
                    latitude: try table.required("latitude").number(from: -90, to: 90),
                    longitude: try table.required("longitude").number(from: -180, to: 180)))
            prices.append(try table.required("usd_per_gb").number(from: 0, to: 100))
        }
        return (regions, prices)
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func links(
        _ node: SettingsNode, regions: [Region], prices: [Double], window: UInt64
    ) throws(SettingsError) -> [Link] {
        var links: [Link] = []
        var seen = Set<[String]>()  // looked up only
        let names = regions.map(\.id.name)
        for item in try node.list(limit: regionsMax * regionsMax) {
            let table = try item.table(["between", "rtt_ms", "jitter_ms", "gbps", "usd_per_gb", "flow_window"])
            let ends = try table.required("between")
            let pair = try ends.list(limit: 2)
            guard pair.count == 2 else { throw ends.error("needs two regions") }
            var indices: [Int] = []
            for end in pair {
                let name = try end.text(limit: 64)
                guard let index = names.firstIndex(of: name) else {
                    throw end.error("\(name) is not among the regions", hint: Suggestion.sentence(for: name, among: names))
                }
                indices.append(index)
            }
            guard indices[0] != indices[1] else {
                throw ends.error("both ends are \(names[indices[0]])", hint: "same_region has those figures")
            }
            guard seen.insert(indices.sorted().map { names[$0] }).inserted else { throw ends.error("this pair is given twice") }
            let roundTrip = try table.required("rtt_ms").milliseconds(to: 10_000)
            guard roundTrip > .zero else { throw try table.required("rtt_ms").error("must be above 0") }
            let jitter = try table["jitter_ms"]?.milliseconds(to: 1_000) ?? .zero
            let capacity = try both(table.required("gbps"), to: 100_000)
            let price = try table["usd_per_gb"].map { node throws(SettingsError) in try both(node, to: 100) }
            let flow = try table["flow_window"]?.bytes(in: 1_024...(1 << 30)) ?? window
            for (from, to) in [(0, 1), (1, 0)] {
                guard capacity[from] > 0 else { throw try table.required("gbps").error("must be above 0") }
                links.append(
                    Link(
                        from: regions[indices[from]].id, to: regions[indices[to]].id, roundTrip: roundTrip, jitter: jitter,
                        bytesPerSecond: UInt64((capacity[from] * 125_000_000).rounded()), flowWindow: flow,
                        dollarsPerGigabyte: price?[from] ?? prices[indices[from]]))
            }
        }
        try requireEveryPair(names, seen, node)
        return links
    }

    /// One figure for both directions, or `[there, back]`.
    private static func both(_ node: SettingsNode, to maximum: Int) throws(SettingsError) -> [Double] {
        if case .scalar = node.value {
            let figure = try node.number(from: 0, to: maximum)
            return [figure, figure]
        }
        let items = try node.list(limit: 2)
        guard items.count == 2 else { throw node.error("needs one figure, or two: there and back") }
        return [try items[0].number(from: 0, to: maximum), try items[1].number(from: 0, to: maximum)]
    }

    private static func requireEveryPair(_ names: [String], _ seen: Set<[String]>, _ node: SettingsNode) throws(SettingsError) {
        for (index, first) in names.enumerated() {
            for second in names[(index + 1)...] where !seen.contains([first, second]) && !seen.contains([second, first]) {
                throw node.error("no link between \(first) and \(second)", hint: "every pair of regions needs one")
            }
        }
    }
}
