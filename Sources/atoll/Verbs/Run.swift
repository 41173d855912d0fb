import ArgumentParser
import Foundation
import Router

/// `atoll run`: a program inside a region of a cluster with network namespaces.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a program inside a region: the kernel's own network has the region's links.",
        discussion: "For clusters that were made with `atoll up --network namespaces`. The program sees this cluster by ATOLL_CLUSTER.")

    @OptionGroup var cluster: ClusterOptions
    @Option(help: "The region; the first of the cluster by default.")
    var region: String?
    @Argument(parsing: .postTerminator, help: "The program and its arguments, behind --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("say what to run: atoll run [--region R] -- COMMAND…") }
    }

    /// Becomes the program, so that signals, input, output and the exit code are its own.
    func run() throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let file = try ClusterFile.require(directory, "run")
        let place = region ?? file.regions[0]
        guard file.regions.contains(place) else { throw file.unknownRegion(place, "run") }
        guard let network = try LiveNetwork.require(file, directory, "run") else {
            throw CommandFailure(
                "run", place, "the links of this cluster are shaped inside its nodes, which a program does not feel",
                hint: "make a cluster with `atoll up --network namespaces`")
        }
        do {
            try NetworkNamespace.enter(try network.namespace(place, "run"))
        } catch let error as RouterError {
            throw CommandFailure("run", place, error.description, hint: geteuid() == 0 ? "see `atoll status`" : "run it as root (sudo)")
        }
        setenv("ATOLL_CLUSTER", directory.path, 1)
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        execvp(command[0], &words)
        throw CommandFailure("run", command[0], String(cString: strerror(errno)))
    }
}
