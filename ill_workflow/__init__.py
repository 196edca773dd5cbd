"""ill_workflow"""
