import ArgumentParser

/// `atoll down`: ends all nodes of the local cluster. Their data stays.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop the local cluster; its data stays.")
    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "down")
        let (stopped, killed) = await Stopper.stop(file, directory)
        Terminal.line(stopped == 0 ? "No node was running." : "Stopped \(stopped) \(stopped == 1 ? "node" : "nodes").")
        if !killed.isEmpty { Terminal.error("had to be killed: \(killed.joined(separator: ", "))") }
    }
}
