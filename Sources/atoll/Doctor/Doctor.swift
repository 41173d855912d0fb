import APISchema
import ArgumentParser

/// `atoll doctor`: what on this machine, or in its cluster, stands in the way, and what to do about it.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for what stands in the way, on this machine and in its cluster.",
        discussion: "It changes nothing but a small file that it writes, syncs and removes. Exit code 1 where something is wrong.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let directory = ClusterDirectory(cluster.dataDirectory)
        let isRemote = try RemoteEndpoint.named(by: cluster, "doctor") != nil
        let nodes = isRemote ? [] : MachineExamination.nodes(of: directory)
        var findings = await MachineExamination(directory: directory.path, nodes: nodes).findings()
        if isRemote || LocalFiles.exists(directory.clusterFile) {
            do {
                findings += await ClusterExamination(cluster: try await ClusterNodes.find(cluster, "doctor")).findings()
            } catch let failure as CommandFailure where isRemote {
                findings.append(Finding(.wrong, "cluster", "\(failure.object): \(failure.cause); \(failure.hint)"))
            }
        } else {
            findings.append(Finding(.note, "cluster", "there is none at \(directory.path); start one with `atoll up`"))
        }
        if output.json { Show.json("findings", findings) } else { Self.show(findings) }
        let wrong = findings.count { $0.grade == .wrong }
        guard wrong == 0 else { throw CommandFailure("doctor", "", "\(wrong) of \(findings.count) things are wrong", hint: "see above") }
    }

    private static func show(_ findings: [Finding]) {
        var table = Table("", "What", "Found")
        for finding in findings { table.add(finding.grade.rawValue, finding.what, finding.text) }
        table.show()
    }
}

/// One thing that was looked at.
struct Finding: Sendable, JSONEncodable {
    enum Grade: String, Sendable {
        case good = "ok"
        /// Nothing to mend; to be known.
        case note
        /// It works, and worse than it could.
        case doubtful
        case wrong = "WRONG"
    }

    let grade: Grade
    let what: String
    /// What was found and, where it is not good, what to do.
    let text: String

    init(_ grade: Grade, _ what: String, _ text: String) {
        self.grade = grade
        self.what = what
        self.text = text
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("grade", grade.rawValue.lowercased())
            $0.field("what", what)
            $0.field("text", text)
        }
    }
}
