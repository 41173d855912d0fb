import APIClient
import APISchema
import ArgumentParser
import Filesystem
import Foundation
import Primitives
import Router

/// `atoll run`: a program with file systems at the paths that it expects, seen by nobody else; in a cluster with network
/// namespaces, inside a region.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a program with file systems at the paths that it expects, or inside a region's network.",
        discussion: """
            With --mount the program, and nobody else, has file systems at these paths; they end with it, a volume's changes \
            committed. In a cluster that was made with `atoll up --network namespaces` it runs inside the region: the kernel's own \
            network has its links. The program sees the cluster by ATOLL_CLUSTER and its app by ATOLL_APP.
            """)

    @OptionGroup var cluster: EndpointOptions
    @Option(name: [.customShort("e"), .customLong("env")], help: "The environment.")
    var environment = "main"
    @Option(help: "The region; the first of the cluster by default.")
    var region: String?
    @Option(help: ArgumentHelp("A file system and its place; :ro for reading only. Several are possible.", valueName: "source:path[:ro]"))
    var mount: [RunMount] = []
    @Option(help: ArgumentHelp("An app of this name lives as long as the program, and what is ephemeral in it.", valueName: "name"))
    var app: String?
    @Argument(parsing: .postTerminator, help: "The program and its arguments, behind --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("say what to run: atoll run [--region R] [--mount …] -- COMMAND…") }
        for mount in mount { if let obstacle = mount.obstacle { throw ValidationError("--mount: \(obstacle)") } }
        guard Set(mount.map(\.path)).count == mount.count else { throw ValidationError("--mount: two have the same path") }
        for one in mount {
            for other in mount where other.path.hasPrefix(one.path + "/") {
                throw ValidationError("--mount: \(other.path) is below \(one.path)")
            }
        }
        guard Set(mount.map(\.source)).count == mount.count else { throw ValidationError("--mount: a file system has one place") }
    }

    func run() async throws {
        guard !mount.isEmpty || app != nil else { return try become(try namespace(isNeeded: true)) }
        if !mount.isEmpty { try MountPoint.requireFUSE() }
        guard RunNamespace.isInside else { try RunNamespace.enter() }
        try MountRecord.makeFolder()
        let status = try await withApp { variables in try await mounted(mount[...], variables) }
        rmdir(MountRecord.folder)
        guard status & 0x7f == 0 else { Signals.end(by: status & 0x7f) }
        throw ExitCode(status >> 8 & 0xff)
    }

    // MARK: Mounts

    private func mounted(_ left: ArraySlice<RunMount>, _ variables: [String: String?]) async throws -> Int32 {
        guard let first = left.first else { return try await RunCommand.run(try words(), environment: variables) }
        let place = try RunPlace(first.path)
        defer { place.remove() }
        var words = [first.source, first.path, "-e", environment]
        if first.readOnly { words.append("--read-only") }
        if let region { words += ["--region", region] }
        if let folder = cluster.dataDirectory { words += ["--data-dir", folder] }
        if let endpoint = cluster.endpoint { words += ["--endpoint", endpoint] }
        if let file = cluster.tokenFile { words += ["--token-file", file] }
        let verb = try MountVerb.parse(words)
        return try await MountRun(verb, MountPoint(first.path)).run { try await mounted(left.dropFirst(), variables) }
    }

    /// Where regions are network namespaces the program enters one by itself: this process stays where it is.
    private func words() throws -> [String] {
        guard cluster.endpoint == nil, try namespace(isNeeded: false) != nil else { return command }
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        var words = [program, "run"]
        if let region { words += ["--region", region] }
        return words + ["--data-dir", ClusterDirectory(cluster.dataDirectory).path, "--"] + command
    }

    // MARK: The app

    /// It is kept alive by heartbeats, and ends with the program.
    private func withApp(_ body: ([String: String?]) async throws -> Int32) async throws -> Int32 {
        guard let app else { return try await body([:]) }
        return try await Connection.run(cluster, .any, "run") { connection in
            let lease: UInt32 = 30
            let made = try await connection.client.createApp(
                name: app, about: "atoll run \(command[0])", environment: environment, leaseSeconds: lease)
            let beats = Task {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(Int64(lease) / 3))
                    _ = try? await connection.client.heartbeat(made.id)
                }
            }
            defer { beats.cancel() }
            let result: Result<Int32, any Error>
            do { result = .success(try await body(["ATOLL_APP": made.id.description])) } catch { result = .failure(error) }
            do throws(FileFailure) {
                _ = try await connection.client.stopApp(made.id.description, environment: environment, finished: true)
            } catch {
                // What it owns ends when its heartbeats have stopped.
                Terminal.error("atoll: the app \(made.id) could not be ended: \(Terminal.escaped(error.description))")
            }
            return try result.get()
        }
    }

    // MARK: Regions as network namespaces

    /// Nil where the cluster's nodes are on loopback.
    private func namespace(isNeeded: Bool) throws -> String? {
        let directory = ClusterDirectory(cluster.dataDirectory)
        if !isNeeded, !LocalFiles.exists(directory.clusterFile) { return nil }
        let file = try ClusterFile.require(directory, "run")
        let place = region ?? file.regions[0]
        guard file.regions.contains(place) else { throw file.unknownRegion(place, "run") }
        guard let network = try LiveNetwork.require(file, directory, "run") else {
            guard isNeeded else { return nil }
            throw CommandFailure(
                "run", place, "the links of this cluster are shaped inside its nodes, which a program does not feel",
                hint: "make a cluster with `atoll up --network namespaces`, or give the program file systems with --mount")
        }
        return try network.namespace(place, "run")
    }

    /// Becomes the program, so that signals, input, output and the exit code are its own.
    private func become(_ namespace: String?) throws {
        let place = region ?? "the region"
        if let namespace {
            do throws(RouterError) { try NetworkNamespace.enter(namespace) } catch {
                throw CommandFailure("run", place, error.description, hint: geteuid() == 0 ? "see `atoll status`" : "run it as root (sudo)")
            }
        }
        setenv("ATOLL_CLUSTER", ClusterDirectory(cluster.dataDirectory).path, 1)
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        execvp(command[0], &words)
        throw CommandFailure("run", command[0], String(cString: strerror(errno)))
    }
}
