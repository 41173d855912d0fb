import NFSProtocol
package import NodeRuntime
import Primitives

// What `/metrics` shows of the server (docs/reference/metrics.md), as of the last second.

extension NFSServer {
    package var metrics: [NodeStatus.Metric] {
        let (counts, figures) = (counts, figures)
        func gauge(_ name: String, _ help: String, _ value: Int) -> NodeStatus.Metric {
            NodeStatus.Metric(name: "atoll_nfs_\(name)", help: help, kind: .gauge, value: Double(value))
        }
        var metrics = [
            gauge("connections", "Connections of NFS clients.", counts.connections),
            gauge("clients", "NFS clients that have established themselves.", counts.clients),
            gauge("sessions", "Their sessions.", counts.sessions),
            gauge("states", "Their opens, and lock owners with their files.", counts.states),
            NodeStatus.Metric(name: "atoll_nfs_calls_total", help: "Records received.", kind: .counter, value: Double(counts.calls)),
        ]
        for (number, operation) in figures.operations.enumerated() where operation.count > 0 {
            metrics += Self.metrics(NFSFigures.name(number), operation)
        }
        return metrics
    }

    private static func metrics(_ name: String, _ figures: NFSOperationFigures) -> [NodeStatus.Metric] {
        let label = ("operation", name)
        let time = "atoll_nfs_operation_seconds"
        let help = "Time that operations of NFS compounds took, waits for the cluster among it."
        var metrics = [
            NodeStatus.Metric(
                name: "atoll_nfs_operations_total", help: "Operations of NFS compounds.", kind: .counter, labels: [label],
                value: Double(figures.count)),
            NodeStatus.Metric(
                name: "atoll_nfs_operation_errors_total", help: "Those that were answered with an error.", kind: .counter, labels: [label],
                value: Double(figures.errors)),
        ]
        var sum: UInt64 = 0
        for (place, count) in figures.classes.enumerated() {
            sum += count
            let bound = place < NFSOperationFigures.bounds.count ? "\(seconds(NFSOperationFigures.bounds[place]))" : "+Inf"
            metrics.append(
                NodeStatus.Metric(
                    name: time, help: help, kind: .histogram, labels: [label, ("le", bound)], value: Double(sum), suffix: "_bucket"))
        }
        metrics.append(
            NodeStatus.Metric(name: time, help: help, kind: .histogram, labels: [label], value: seconds(figures.time), suffix: "_sum"))
        metrics.append(
            NodeStatus.Metric(name: time, help: help, kind: .histogram, labels: [label], value: Double(figures.count), suffix: "_count"))
        return metrics
    }

    private static func seconds(_ duration: Duration) -> Double { Double(duration.inNanoseconds) / 1e9 }
}
