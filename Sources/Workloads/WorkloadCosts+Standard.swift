// The table that the program carries, for where none was measured.
extension WorkloadCosts {
    package static let standard = WorkloadCosts.none
}
