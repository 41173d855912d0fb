import ArgumentParser
import Foundation

/// A node of the local cluster by name or number.
struct FaultTarget {
    let file: ClusterFile
    let directory: ClusterDirectory
    let node: ClusterFile.Node
    let process: NodeProcess?

    init(_ name: String, _ options: ClusterOptions, _ operation: String) throws {
        directory = ClusterDirectory(options.dataDirectory)
        file = try ClusterFile.require(directory, operation)
        guard let found = file.node(name) else { throw file.unknownNode(name, operation) }
        node = found
        process = ReadyFile.read(directory.ready(found.name))?.process
    }

    func running(_ operation: String) throws -> NodeProcess {
        guard let process, process.state != .gone else {
            throw CommandFailure(operation, node.name, "it is not running", hint: "`atoll fault restart \(node.name)` starts it")
        }
        return process
    }
}

struct FaultKill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kill", abstract: "End a node at once (SIGKILL).")
    @Argument var node: String
    @OptionGroup var cluster: ClusterOptions
    func run() async throws {
        let target = try FaultTarget(node, cluster, "fault kill")
        let process = try target.running("fault kill")
        process.signal(SIGKILL)
        guard await process.waitUntilGone(.seconds(5)) else { throw CommandFailure("fault kill", node, "it is still there after 5 s") }
        Terminal.line("\(target.node.name) was killed. `atoll fault restart \(target.node.name)` starts it again.")
    }
}

struct FaultRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "restart", abstract: "Start a node again; one that runs is stopped first.")
    @Argument var node: String
    @OptionGroup var cluster: ClusterOptions
    func run() async throws {
        let target = try FaultTarget(node, cluster, "fault restart")
        let network = try LiveNetwork.require(target.file, target.directory, "fault restart")
        if let process = target.process, process.state != .gone {
            process.signal(SIGTERM)
            process.signal(SIGCONT)
            if !(await process.waitUntilGone(.seconds(10))) {
                process.signal(SIGKILL)
                _ = await process.waitUntilGone(.seconds(5))
            }
        }
        // A node reads its keys and rules as it starts: nothing changes them meanwhile.
        try await target.directory.locked("fault restart") {
            var launcher = try NodeLauncher(directory: target.directory, leash: .join)
            launcher.network = network
            let child = try launcher.start(target.node)
            try await launcher.wait(for: [child], bound: .seconds(60))
        }
        Terminal.line("\(target.node.name) is ready.")
    }
}

struct FaultPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pause", abstract: "Freeze a node (SIGSTOP).")
    @Argument var node: String
    @OptionGroup var cluster: ClusterOptions
    func run() async throws {
        let target = try FaultTarget(node, cluster, "fault pause")
        try target.running("fault pause").signal(SIGSTOP)
        Terminal.line("\(target.node.name) is paused. `atoll fault resume \(target.node.name)` lets it go on.")
    }
}

struct FaultResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let a paused node go on.")
    @Argument var node: String
    @OptionGroup var cluster: ClusterOptions
    func run() async throws {
        let target = try FaultTarget(node, cluster, "fault resume")
        try target.running("fault resume").signal(SIGCONT)
        Terminal.line("\(target.node.name) goes on.")
    }
}
