import Foundation

/// What a report tells of the machine that it was measured on.
enum Machine {
    /// `Debian GNU/Linux 12 (bookworm), Linux 6.1.0`
    static var system: String {
        let release = (try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? ""
        let name = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
            .map { $0.dropFirst(12).trimmingCharacters(in: ["\""]) }
        let kernel = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return [name, kernel.map { "Linux \($0)" }].compactMap { $0 }.joined(separator: ", ")
    }

    /// `2 × Intel Xeon … , 7.8 GiB of memory; all nodes and clients on it`
    static var description: String {
        let processors = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":", maxSplits: 1).last.map { $0.trimmingCharacters(in: .whitespaces) }
        let memory = Double(ProcessInfo.processInfo.physicalMemory) / 1_073_741_824
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return "\(cores) × \(model ?? "processor"), \(String(format: "%.1f", memory)) GiB of memory; all nodes and clients on it"
    }
}
