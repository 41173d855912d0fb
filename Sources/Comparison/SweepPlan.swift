package import Primitives
package import Reports
package import Workloads

/// One thing that is changed from run to run of a simulated comparison.
package enum SweepPlan: Sendable, Hashable {
    case home([RegionID])
    case regions([Int])
    case roundTrip([Double])
    case fileSize([UInt64])

    /// Why a text is no plan.
    package struct Mistake: Error, Sendable, CustomStringConvertible {
        package let description: String
        init(_ description: String) { self.description = description }
    }

    package static let parameters = ["home", "regions", "rtt", "file-size"]
    static let pointsMax = 24

    /// `home=us-east-1,eu-west-1`, `regions=3,5,7`, `rtt=0.5,1,2`, `file-size=64KiB,1MiB`. Regions are
    /// those of `map`.
    package init(_ text: String, map: RegionMap) throws(Mistake) {
        let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard halves.count == 2 else {
            throw Mistake(
                "\(text): give a parameter and its values, such as rtt=0.5,1,2; parameters: \(Self.parameters.joined(separator: ", "))")
        }
        let words = halves[1].split(separator: ",", omittingEmptySubsequences: false).map { $0.drop { $0 == " " } }.map(String.init)
        guard (2...Self.pointsMax).contains(words.count) else { throw Mistake("\(text): give 2 to \(Self.pointsMax) values") }
        guard Set(words).count == words.count else { throw Mistake("\(text): a value is given twice") }
        switch halves[0] {
        case "home":
            var homes: [RegionID] = []
            for word in words {
                do {
                    homes.append(try map.region(named: word))
                } catch {
                    throw Mistake(error.description)
                }
            }
            self = .home(homes)
        case "regions":
            self = .regions(
                try words.map { word throws(Mistake) in
                    let most = min(32, map.regions.count)
                    guard let count = Int(word), (1...most).contains(count) else {
                        throw Mistake("regions=\(word): give numbers from 1 to \(most), what the map \(map.name) has")
                    }
                    return count
                })
        case "rtt":
            self = .roundTrip(
                try words.map { word throws(Mistake) in
                    guard let factor = Double(word), factor.isFinite, (0.01...100).contains(factor) else {
                        throw Mistake("rtt=\(word): give factors from 0.01 to 100")
                    }
                    return factor
                })
        case "file-size":
            self = .fileSize(
                try words.map { word throws(Mistake) in
                    do {
                        return try SettingsNode(.scalar(word), file: "--sweep", line: 1, path: "file-size").bytes(in: 4_096...(256 << 20))
                    } catch {
                        throw Mistake("file-size=\(word): give sizes from 4KiB to 256MiB, such as 64KiB or 16MiB")
                    }
                })
        default:
            throw Mistake("\(halves[0]): no such parameter; \(Suggestion.sentence(for: halves[0], among: Self.parameters))")
        }
    }

    package var parameter: String {
        switch self {
        case .home: "home"
        case .regions: "regions"
        case .roundTrip: "rtt"
        case .fileSize: "file-size"
        }
    }

    package var meaning: String {
        switch self {
        case .home: "the primary region"
        case .regions: "how many regions there are: the primary one and those nearest to it"
        case .roundTrip: "every round trip of the map times this"
        case .fileSize: "size of a large file, and of a checkpoint"
        }
    }

    package var points: [Sweep.Point] {
        switch self {
        case .home(let homes): homes.map { .init(label: $0.name, value: nil) }
        case .regions(let counts): counts.map { .init(label: "\($0)", value: Double($0)) }
        case .roundTrip(let factors): factors.map { .init(label: "\(Figure.rounded($0, 4))", value: $0) }
        case .fileSize(let sizes): sizes.map { .init(label: Figure.bytes($0), value: Double($0)) }
        }
    }
}

/// A simulated comparison once for each point of a plan.
package struct SweepRun: Sendable {
    let base: SimulatedComparison
    /// The whole map, for more regions.
    let map: RegionMap
    let plan: SweepPlan

    /// Workloads that the parameter does not touch are left out.
    package init(_ base: SimulatedComparison, map: RegionMap, plan: SweepPlan) throws(SweepPlan.Mistake) {
        self.map = map
        self.plan = plan
        guard case .fileSize = plan else {
            self.base = base
            return
        }
        var options = base.options
        options.workloads.removeAll { $0.inputs.largeFiles == 0 }
        guard !options.workloads.isEmpty else {
            throw SweepPlan.Mistake("file-size: no workload of these has large files; dataset, podcast, checkpoint and revision have")
        }
        options.inputs = nil
        self.base = SimulatedComparison(options: options, world: base.world)
    }

    /// The report of the first point, with the sweep; interrupted, what is known of it.
    package func run(progress: @escaping @Sendable (String) -> Void) async throws -> ComparisonReport {
        var reports: [ComparisonReport] = []
        var failure = ""
        var isPartial = false
        for (index, point) in plan.points.enumerated() {
            if Task.isCancelled, !reports.isEmpty { break }
            progress("point \(index + 1) of \(plan.points.count): \(plan.parameter) \(point.label)")
            let report: ComparisonReport
            do {
                report = try await comparison(index).run(progress: progress)
            } catch let error as ComparisonError where !reports.isEmpty {
                failure = "The sweep ended at \(point.label): \(error.description)"
                progress("warning: \(failure)")
                break
            }
            if Task.isCancelled, !reports.isEmpty { break }
            isPartial = Task.isCancelled
            reports.append(report)
        }
        guard var first = reports.first else { throw CancellationError() }
        first.sweep = Sweep(parameter: plan.parameter, meaning: plan.meaning, points: plan.points, reports: reports)
        first.notes.append("Tables and verdict are those of the sweep’s first point.")
        if !failure.isEmpty {
            first.notes.append(failure)
        } else if isPartial {
            first.notes.append("The sweep was interrupted within its first point.")
        } else if reports.count < plan.points.count {
            first.notes.append("The sweep was interrupted after \(reports.count) points.")
        }
        return first
    }

    func comparison(_ index: Int) -> SimulatedComparison {
        var options = base.options
        // Faults are no curve.
        options.faults = nil
        var world = base.world
        switch plan {
        case .home(let homes):
            options.primary = homes[index]
            if !world.map.contains(homes[index]) { world.map = part(world.map.regions.map(\.id.name) + [homes[index].name]) }
        case .regions(let counts):
            let home = options.primary
            let near = map.regions.map(\.id).sorted { distance(home, $0) < distance(home, $1) }
            world.map = part(near.prefix(counts[index]).map(\.name))
        case .roundTrip(let factors): world.map = world.map.stretched(by: factors[index])
        case .fileSize(let sizes):
            for place in options.workloads.indices {
                options.workloads[place].inputs.largeFileSize = sizes[index]
                options.workloads[place].inputs.checkpointSize = sizes[index]
            }
            options.inputs = nil
        }
        let nodes = base.world.nodesPerRegion.values.max() ?? 1
        for region in world.map.regions where world.nodesPerRegion[region.id] == nil { world.nodesPerRegion[region.id] = nodes }
        return SimulatedComparison(options: options, world: world)
    }

    private func distance(_ home: RegionID, _ other: RegionID) -> (Int64, String) {
        (home == other ? -1 : map.roundTrip(home, other)?.inNanoseconds ?? .max, other.name)
    }

    private func part(_ names: [String]) -> RegionMap { (try? map.restricted(to: names)) ?? map }
}

extension RegionMap {
    /// The same with every round trip and its jitter times a factor; windows stay.
    package func stretched(by factor: Double) -> RegionMap {
        func times(_ duration: Duration) -> Duration { .nanoseconds(Int64(max(1, Double(duration.inNanoseconds) * factor))) }
        let changed = links.map { link in
            var link = link
            link.roundTrip = times(link.roundTrip)
            link.jitter = times(link.jitter)
            return link
        }
        return RegionMap(
            name: name, title: title, source: source, date: date, sameZone: sameZone, betweenZones: betweenZones, regions: regions,
            links: changed)
    }
}
