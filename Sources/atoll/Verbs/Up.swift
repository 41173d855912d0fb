import APIClient
import ArgumentParser
import Foundation
import Router

/// `atoll up`: a cluster of real processes on loopback.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a local cluster, or the nodes that are missing from it.",
        discussion: """
            The first start makes the directory: identity, certificates, keys and a configuration per node. Later starts use the same data; without
            --detach the cluster lives as long as this command. A node that can not start is told of, and the others run without it; \
            with --detach the exit code is 1 then.
            """)

    @Option(help: "Regions, with commas between (default us-east-1,eu-west-1,ap-northeast-1).")
    var regions: String?

    @Option(name: .customLong("nodes-per-region"), help: "Nodes in each region, 1 to 9 (default 1).")
    var nodesPerRegion: Int?

    @Option(help: "The region map that shapes the links: a name, a file, or none (default aws).")
    var map: String?

    @Option(help: "Where nodes run: loopback, links shaped inside the nodes (default); or namespaces, a kernel network a region (root).")
    var network: NetworkKind?

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Leave the nodes running and return.")
    var detach = false

    enum NetworkKind: String, ExpressibleByArgument, CaseIterable { case loopback, namespaces }

    static let standardRegions = ["us-east-1", "eu-west-1", "ap-northeast-1"]

    func run() async throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let began = ContinuousClock.now
        // From here on a signal is a wish: whatever was started is ended first.
        let stop = StopRequest()
        if try network == .namespaces || ClusterFile.read(directory, "up")?.network.name == "namespaces" { try LiveNetwork.check("up") }
        if ClusterFile.isMissing(directory) {
            // What can not be made leaves nothing behind.
            try maker(directory).check()
            try refuseForeign(directory)
            try LocalFiles.makeDirectory(directory.path, mode: 0o700)
        }
        let (file, children, failed) = try await directory.locked("up") { try await start(directory, stop) }
        let took = ContinuousClock.now - began
        if output.json {
            await StatusRows.show(file, directory, await StatusRows.collect(file, directory), json: true)
        } else {
            announce(file, directory, started: children.count, took: took)
        }
        // The nodes that run are as good as they would be if the others had ended later.
        for failure in failed.dropLast(detach ? 1 : 0) { Terminal.error("atoll: \(Terminal.escaped(failure.description))") }
        if detach, let last = failed.last { throw last }
        guard !detach, !children.isEmpty else { return }
        try await hold(file, directory, children, stop)
    }

    // MARK: Starting

    /// The nodes that were started, and why others could not be; fails where none runs.
    private func start(_ directory: ClusterDirectory, _ stop: StopRequest) async throws -> (
        ClusterFile, [NodeLauncher.Child], [CommandFailure]
    ) {
        let known = try existing(directory)
        let grown = try known.flatMap { try growth(of: $0, directory) }
        let file = try grown?.make() ?? known ?? maker(directory).make()
        // Nodes that run must know the links to regions that are new.
        if grown != nil { try await LinkFaults.set(try LinkFaults.read(directory), file, directory, "up") }
        var launcher = try NodeLauncher(directory: directory, leash: detach ? .none : .hold)
        var children: [NodeLauncher.Child] = []
        var failed: [CommandFailure] = []
        do {
            launcher.network = try await router(file, directory, launcher)
            for node in file.nodes where ReadyFile.read(directory.ready(node.name))?.process.state ?? .gone == .gone {
                children.append(try launcher.start(node))
            }
            let started = children
            let launcher = launcher
            let ended = try await withThrowingTaskGroup(of: [(child: NodeLauncher.Child, why: CommandFailure)].self) { group in
                group.addTask { try await launcher.settle(started, bound: .seconds(60)) }
                group.addTask {
                    let cause = await stop.wait()
                    if !Task.isCancelled { throw CommandFailure("up", directory.path, "stopped by \(cause)") }
                    return []
                }
                let first = try await group.next() ?? []
                group.cancelAll()
                return first
            }
            children.removeAll { child in ended.contains { $0.child.pid == child.pid } }
            failed = ended.map(\.why)
            let running = file.nodes.count - failed.count
            for place in failed.indices where running > 0 {
                failed[place].hint += "; the other \(running == 1 ? "node runs" : "\(running) nodes run")"
            }
            if running == 0, let last = failed.last {
                for failure in failed.dropLast() { Terminal.error("atoll: \(Terminal.escaped(failure.description))") }
                throw last
            }
        } catch {
            await end(children)
            // A router that was there before has other nodes to serve.
            if file.nodes.allSatisfy({ ReadyFile.read(directory.ready($0.name))?.process.state ?? .gone == .gone }) {
                await LiveNetwork.stop(directory)
            }
            throw error
        }
        return (file, children, failed)
    }

    /// The router of a cluster with network namespaces: the one that runs, or a new one. Nodes whose router is
    /// gone have no links any more, and start anew behind the new one.
    private func router(_ file: ClusterFile, _ directory: ClusterDirectory, _ launcher: NodeLauncher) async throws -> LiveNetwork? {
        guard case .namespaces = file.network else { return nil }
        if let running = LiveNetwork.running(directory) {
            if LiveNetwork.counters(directory) != nil { return running }
            // It is about to end, or hangs.
            if !(await running.process.waitUntilGone(.seconds(2))) { await LiveNetwork.stop(directory) }
        }
        let (stopped, _) = await Stopper.stop(file, directory)
        if stopped > 0 { Terminal.error("the router had ended; \(stopped) nodes that it had left without links start anew") }
        return try await LiveNetwork.start(file, directory, launcher)
    }

    /// The cluster that is there; what was asked for must be what it is.
    private func existing(_ directory: ClusterDirectory) throws -> ClusterFile? {
        guard let file = try ClusterFile.read(directory, "up") else { return nil }
        let hint = "use another --data-dir, or leave the option out"
        if let network, network.rawValue != file.network.name {
            throw CommandFailure.usage("up", directory.path, "the cluster here has the network \(file.network.name)", hint: hint)
        }
        if let map, map == "none" ? file.map != "none" : !map.contains("/") && !map.hasSuffix(".yaml") && map != file.map {
            throw CommandFailure.usage("up", directory.path, "the cluster here has the map \(file.map)", hint: hint)
        }
        return file
    }

    /// The nodes that are asked for and not there; nil where there are none. Fewer are refused.
    private func growth(of file: ClusterFile, _ directory: ClusterDirectory) throws -> ClusterGrower? {
        let hint = "take nodes away one by one: `atoll node drain NAME --wait 600`, then `atoll node remove NAME`"
        let wanted = try regions.map(Self.names) ?? file.regions
        let missing = file.regions.filter { !wanted.contains($0) }
        guard missing.isEmpty else {
            throw CommandFailure.usage(
                "up", "--regions", "the cluster here has the regions \(file.regions.joined(separator: ",")), and up does not take any away",
                hint: hint)
        }
        func count(_ region: String) -> Int { file.nodes.count { $0.region == region } }
        let largest = file.regions.map(count).max() ?? 1
        if let nodesPerRegion {
            guard (1...9).contains(nodesPerRegion) else {
                throw CommandFailure.usage("up", "--nodes-per-region \(nodesPerRegion)", "must be 1 to 9")
            }
            guard nodesPerRegion >= largest else {
                throw CommandFailure.usage(
                    "up", "--nodes-per-region \(nodesPerRegion)",
                    "the cluster here has \(largest) nodes per region, and up does not take any away",
                    hint: hint)
            }
        }
        let grower = ClusterGrower(
            directory: directory, file: file,
            added: wanted.map { region in
                let present = count(region)
                // Without a number, regions that are there stay as they are.
                return (region, max(0, (nodesPerRegion ?? (present == 0 ? largest : present)) - present))
            })
        return grower.added.contains { $0.count > 0 } ? grower : nil
    }

    /// A directory with other things in it is somebody's; what a start that broke off left is ours.
    private func refuseForeign(_ directory: ClusterDirectory) throws {
        guard LocalFiles.exists(directory.path) else { return }
        guard FileStatus(directory.path)?.isDirectory ?? false else {
            throw CommandFailure.usage("up", directory.path, "it is no directory", hint: "name one that is empty or not there yet")
        }
        let own: Set = [
            "ca", "admin-token", "gossip-keys", "map.yaml", "links.xdr", "nodes", "lock", "leash", "up.json", "faults.json",
            "sessions.json", "router.json", "router.log", "router.sock",
        ]
        let others = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { !own.contains($0) }.sorted()
        guard let first = others.first else { return }
        throw CommandFailure.usage(
            "up", directory.path, "it holds other things (\(first)\(others.count > 1 ? ", …" : ""))",
            hint: "name a directory that is empty or not there yet")
    }

    private func maker(_ directory: ClusterDirectory) throws -> ClusterMaker {
        let count = nodesPerRegion ?? 1
        guard (1...9).contains(count) else { throw CommandFailure.usage("up", "--nodes-per-region \(count)", "must be 1 to 9") }
        let name = map ?? "aws"
        return ClusterMaker(
            directory: directory, regions: try regions.map(Self.names) ?? Self.standardRegions, nodesPerRegion: count,
            mapText: name == "none" ? nil : try RegionMapFile.text(name, "up"),
            network: network == .namespaces ? .namespaces(try LiveNetwork.freeSubnet("up")) : .loopback)
    }

    private static func names(_ text: String) throws -> [String] {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
        for name in names {
            let isName =
                (1...64).contains(name.utf8.count) && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            guard isName else {
                throw CommandFailure.usage("up", "--regions", "\"\(name)\" is no region name", hint: "use A-Z a-z 0-9 - _ .")
            }
        }
        guard names.count <= 32 else { throw CommandFailure.usage("up", "--regions", "at most 32 regions") }
        guard Set(names).count == names.count else { throw CommandFailure.usage("up", "--regions", "a region is named twice") }
        return names
    }

    // MARK: While it runs

    private func announce(_ file: ClusterFile, _ directory: ClusterDirectory, started: Int, took: Duration) {
        let milliseconds = took.components.seconds * 1_000 + took.components.attoseconds / 1_000_000_000_000_000
        let seconds = String(format: "%.1f", Double(milliseconds) / 1_000)
        if started == 0 {
            let paused = file.nodes.filter { ReadyFile.read(directory.ready($0.name))?.process.state == .paused }
            Terminal.line(
                paused.isEmpty
                    ? "The cluster is up: all \(file.nodes.count) nodes were running."
                    : "No node is missing, but \(paused.map(\.name).joined(separator: ", ")) \(paused.count == 1 ? "is" : "are") paused: "
                        + "`atoll fault resume \(paused[0].name)` lets it go on.")
        } else {
            Terminal.line(
                "The cluster is up: \(started) of \(file.nodes.count) nodes started in \(seconds) s. Links are \(file.linkWords)."
            )
        }
        var table = Table("Region", "Node", "HTTP", "NFS")
        for region in file.regions {
            for node in file.nodes where node.region == region {
                // Somebody else may listen at the address of one that did not start.
                let isThere = ReadyFile.read(directory.ready(node.name))?.process.state ?? .gone != .gone
                table.add(region, node.name, isThere ? "http://\(node.http)" : "did not start", isThere ? node.nfs : "-")
            }
        }
        table.show()
        let place = cluster.dataDirectory.map { " --data-dir \($0)" } ?? ""
        Terminal.line(
            """

            Data and logs: \(directory.path)
            Try:
              atoll status\(place)
              atoll volume create data\(place)
              atoll volume put data FILE\(place)
              atoll volume ls data\(place)
              atoll nfs create share --primary \(file.regions[0])\(place)
            """)
        if detach || started == 0 {
            Terminal.line("Stop it: atoll down\(place)")
        } else {
            Terminal.line("Stop it: Ctrl-C, or atoll down\(place)")
        }
    }

    /// Until a signal, or until all nodes have ended by `atoll down`; tells of nodes that end in between.
    private func hold(_ file: ClusterFile, _ directory: ClusterDirectory, _ children: [NodeLauncher.Child], _ stop: StopRequest)
        async throws
    {
        let ending = await withTaskGroup(of: Ending.self) { group in
            group.addTask {
                _ = await stop.wait()
                return .asked
            }
            group.addTask {
                var living = children
                while !Task.isCancelled {
                    living.removeAll { child in
                        var status: Int32 = 0
                        guard waitpid(child.pid, &status, WNOHANG) == child.pid else { return false }
                        if status != 0 { Terminal.error("\(child.node.name) \(NodeLauncher.words(status))") }
                        return true
                    }
                    // Nodes that someone restarted are not children of this process.
                    let isAnyRunning = file.nodes.contains { ReadyFile.read(directory.ready($0.name))?.process.state ?? .gone != .gone }
                    if living.isEmpty, !isAnyRunning { break }
                    if file.network != .loopback, LiveNetwork.running(directory) == nil {
                        return .routerEnded
                    }
                    try? await Task.sleep(for: .milliseconds(200))
                }
                return .allEnded
            }
            let first = await group.next() ?? .allEnded
            group.cancelAll()
            return first
        }
        guard ending != .allEnded else {
            await LiveNetwork.stop(directory)
            if !output.json { Terminal.line("All nodes have ended.") }
            return
        }
        if !output.json { Terminal.line("Stopping…") }
        let (_, killed) = await Stopper.stop(file, directory)
        await end(children)
        if !killed.isEmpty { Terminal.error("had to be killed: \(killed.joined(separator: ", "))") }
        if ending == .routerEnded {
            throw CommandFailure(
                "up", "router", "it ended, and the regions with it; the nodes were stopped",
                hint: "see \(directory.routerLog), then `atoll up`")
        }
    }

    private enum Ending { case asked, allEnded, routerEnded }

    /// Ends children that may not have become ready.
    private func end(_ children: [NodeLauncher.Child]) async {
        func living() -> [NodeLauncher.Child] {
            children.filter { child in
                var status: Int32 = 0
                return waitpid(child.pid, &status, WNOHANG) == 0
            }
        }
        for child in living() { kill(child.pid, SIGTERM) }
        for _ in 0..<250 where !living().isEmpty { try? await Task.sleep(for: .milliseconds(20)) }
        for child in living() {
            kill(child.pid, SIGKILL)
            var status: Int32 = 0
            waitpid(child.pid, &status, 0)
        }
    }
}

extension ClusterFile {
    static func isMissing(_ directory: ClusterDirectory) -> Bool { !LocalFiles.exists(directory.clusterFile) }
}
